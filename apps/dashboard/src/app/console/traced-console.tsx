'use client';

import { type ReactNode, useMemo, useState } from 'react';
import { ConsoleView } from '../../features/console/console-view.tsx';
import type { LitPath } from '../../features/topology/path-drawing.ts';
import { TracedMesh } from '../../features/topology/traced-mesh.tsx';
import type { PathPart, PathStep } from '../../features/trace/query-path.ts';
import { TracePane } from '../../features/trace/trace-pane.tsx';
import { useFeed } from '../../feed/feed-provider.tsx';
import { shortId } from '../../ui/format.ts';

/** The console, and the way of its last query over the mesh. */
export function TracedConsole({ access }: { readonly access: { readonly hint: string } | null }): ReactNode {
  const { picture } = useFeed();
  const [parts, setParts] = useState<readonly PathPart[] | null>(null);
  const peers = useMemo(() => new Set((parts ?? []).flatMap(({ spans }) => spans.map(({ peer }) => peer))), [parts]);
  const nameOf = (id: string): string => picture.peers.get(id)?.peer.name || shortId(id);
  const traced =
    parts === null ? null : (
      <TracePane
        parts={parts}
        nameOf={nameOf}
        onClose={() => setParts(null)}
        picture={(lit) => <LitMesh lit={lit} peers={peers} />}
      />
    );
  return <ConsoleView access={access} onTrace={setParts} traced={traced} />;
}

function LitMesh({
  lit,
  peers,
}: {
  readonly lit: readonly PathStep[];
  readonly peers: ReadonlySet<string>;
}): ReactNode {
  const path = useMemo(() => pathOf(lit), [lit]);
  return <TracedMesh path={path} peers={peers} />;
}

function pathOf(lit: readonly PathStep[]): LitPath {
  const hits = new Map<string, number>();
  for (const step of lit) hits.set(step.peer, (hits.get(step.peer) ?? 0) + step.hits);
  const links = lit
    .filter(({ parent }) => parent !== '')
    .map(({ parent: from, peer: to, state }) => ({ from, to, isAnswered: state === 'done' || state === 'stopped' }));
  return { links, peers: new Set(lit.map(({ peer }) => peer)), hits };
}
