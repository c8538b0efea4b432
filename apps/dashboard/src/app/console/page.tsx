import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { ConsoleView } from '../../features/console/console-view.tsx';
import { MeshGate } from '../../ui/mesh-gate.tsx';

export const metadata: Metadata = { title: 'Console' };

export default function ConsolePage(): ReactNode {
  return (
    <main id="content" className="content">
      <MeshGate>
        <ConsoleView />
      </MeshGate>
    </main>
  );
}
