import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { OverviewStrip } from '../../features/overview/overview-strip.tsx';
import { ZonesView } from '../../features/zones/zones-view.tsx';
import { readSettings } from '../../server/settings.ts';
import { MeshGate } from '../../ui/mesh-gate.tsx';
import { SidePanel } from '../side-panel.tsx';

export const metadata: Metadata = { title: 'Zones' };

export default function ZonesPage(): ReactNode {
  return (
    <>
      <OverviewStrip />
      <main id="content" className="content">
        <MeshGate>
          <ZonesView />
          <SidePanel asksToken={readSettings(process.env).tokenFile !== ''} />
        </MeshGate>
      </main>
    </>
  );
}
