import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { OverviewStrip } from '../../features/overview/overview-strip.tsx';
import { TrafficView } from '../../features/traffic/traffic-view.tsx';
import { readSettings } from '../../server/settings.ts';
import { MeshGate } from '../../ui/mesh-gate.tsx';
import { SidePanel } from '../side-panel.tsx';

export const metadata: Metadata = { title: 'Traffic and failures' };

export default function TrafficPage(): ReactNode {
  return (
    <>
      <OverviewStrip />
      <main id="content" className="content">
        <MeshGate>
          <TrafficView />
          <SidePanel asksToken={readSettings(process.env).tokenFile !== ''} />
        </MeshGate>
      </main>
    </>
  );
}
