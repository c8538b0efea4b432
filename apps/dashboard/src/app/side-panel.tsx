'use client';

import type { ReactNode } from 'react';
import { ChangesFeed } from '../features/changes/changes-feed.tsx';
import { PeerPanel } from '../features/peers/peer-panel.tsx';
import { useUrlState } from '../ui/use-url-state.ts';

/** The selected peer, or what happened while none is selected. `asksToken`: whether the mesh asks for tokens. */
export function SidePanel({ asksToken }: { readonly asksToken: boolean }): ReactNode {
  const [{ peer }, change] = useUrlState();
  const select = (id: string): void => change({ peer: id });
  return (
    <aside className="side">
      {peer === '' ? (
        <ChangesFeed onSelect={select} />
      ) : (
        <PeerPanel peer={peer} asksToken={asksToken} onSelect={select} />
      )}
    </aside>
  );
}
