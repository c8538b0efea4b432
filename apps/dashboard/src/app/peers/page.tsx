import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { OverviewStrip } from '../../features/overview/overview-strip.tsx';
import { PeersTable } from '../../features/peers/peers-table.tsx';
import { readSettings } from '../../server/settings.ts';
import { MeshGate } from '../../ui/mesh-gate.tsx';
import { SidePanel } from '../side-panel.tsx';

export const metadata: Metadata = { title: 'Peers' };

export default function PeersPage(): ReactNode {
  return (
    <>
      <OverviewStrip />
      <main id="content" className="content">
        <MeshGate>
          <PeersTable />
          <SidePanel asksToken={readSettings(process.env).tokenFile !== ''} />
        </MeshGate>
      </main>
    </>
  );
}
