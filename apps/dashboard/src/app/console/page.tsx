import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { readSettings } from '../../server/settings.ts';
import { MeshGate } from '../../ui/mesh-gate.tsx';
import { TracedConsole } from './traced-console.tsx';

export const metadata: Metadata = { title: 'Console' };

export default function ConsolePage(): ReactNode {
  const { tokenFile, tokenHint } = readSettings(process.env);
  return (
    <main id="content" className="content">
      <MeshGate>
        <TracedConsole access={tokenFile === '' ? null : { hint: tokenHint }} />
      </MeshGate>
    </main>
  );
}
