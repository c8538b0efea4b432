import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { OverviewStrip } from '../../features/overview/overview-strip.tsx';
import { readSettings } from '../../server/settings.ts';
import { MeshGate } from '../../ui/mesh-gate.tsx';
import { SidePanel } from '../side-panel.tsx';
import { LiftableBans } from './liftable-bans.tsx';

export const metadata: Metadata = { title: 'Bans' };

export default function BansPage(): ReactNode {
  const asksToken = readSettings(process.env).tokenFile !== '';
  return (
    <>
      <OverviewStrip />
      <main id="content" className="content">
        <MeshGate>
          <LiftableBans asksToken={asksToken} />
          <SidePanel asksToken={asksToken} />
        </MeshGate>
      </main>
    </>
  );
}
