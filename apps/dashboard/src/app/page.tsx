import type { ReactNode } from 'react';
import { OverviewStrip } from '../features/overview/overview-strip.tsx';
import { TopologyView } from '../features/topology/topology-view.tsx';
import { readSettings } from '../server/settings.ts';
import { MeshGate } from '../ui/mesh-gate.tsx';
import { SidePanel } from './side-panel.tsx';

export default function TopologyPage(): ReactNode {
  return (
    <>
      <OverviewStrip />
      <main id="content" className="content">
        <MeshGate>
          <TopologyView />
          <SidePanel asksToken={readSettings(process.env).tokenFile !== ''} />
        </MeshGate>
      </main>
    </>
  );
}
