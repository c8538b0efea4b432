'use client';

import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { shortId } from '../../ui/format.ts';
import { Segments } from '../../ui/segments.tsx';
import { useUrlState } from '../../ui/use-url-state.ts';
import styles from './console.module.css';
import { LookupMode } from './lookup-mode.tsx';
import { MeshMode } from './mesh-mode.tsx';
import { Mode } from './mode.tsx';
import { PublishForm } from './publish-form.tsx';
import type { TracePart } from './query-line.ts';
import { SearchMode } from './search-mode.tsx';
import { SubscribePane } from './subscribe-pane.tsx';
import { TokenField } from './token-field.tsx';

const defaultTopic = 'greetings';

const modes = [
  { value: 'messages', label: 'Messages', hint: 'Publish and subscribe' },
  { value: 'search', label: 'Search', hint: 'Find documents' },
  { value: 'lookup', label: 'Lookup', hint: 'Records by key, peers by what they offer' },
  { value: 'mesh', label: 'Mesh', hint: 'Ask the peers about themselves' },
] as const;

/**
 * Try the mesh from here, as any peer. `access`: the mesh asks for tokens, and where one may be found. `traced` stands in place
 * of the hits while a way of a query is shown.
 */
export function ConsoleView(properties: {
  readonly access: { readonly hint: string } | null;
  readonly onTrace: (parts: readonly TracePart[] | null) => void;
  readonly traced: ReactNode;
}): ReactNode {
  const { access, onTrace, traced } = properties;
  const { picture } = useFeed();
  const [url, change] = useUrlState();
  const peers = [...picture.peers.values()].filter(({ peer }) => peer.apiAddress !== '');
  peers.sort((one, other) => (one.peer.name < other.peer.name ? -1 : 1));
  const nameOf = (id: string): string => picture.peers.get(id)?.peer.name || shortId(id);
  const peer = peers.some((view) => view.peer.id === url.peer) ? url.peer : '';
  const { mode } = url;
  return (
    <section className={styles.page} aria-label="Console">
      <div className={styles.toolbar}>
        <Segments label="What to try" options={modes} value={mode} onChange={(next) => change({ mode: next })} />
        <label className={styles.inline}>
          Through
          <select value={peer} onChange={(event) => change({ peer: event.target.value })}>
            <option value="">any peer</option>
            {peers.map((view) => (
              <option key={view.peer.id} value={view.peer.id}>
                {nameOf(view.peer.id)}
              </option>
            ))}
          </select>
        </label>
        {access !== null && <TokenField hint={access.hint} />}
      </div>
      <Mode
        isShown={mode === 'messages'}
        form={
          <PublishForm
            peer={peer}
            nameOf={nameOf}
            topic={url.topic || defaultTopic}
            onTopic={(topic) => change({ topic: topic === defaultTopic ? '' : topic })}
          />
        }
      >
        <SubscribePane peer={peer} nameOf={nameOf} />
      </Mode>
      <SearchMode isShown={mode === 'search'} peer={peer} nameOf={nameOf} onTrace={onTrace} traced={traced} />
      <LookupMode isShown={mode === 'lookup'} peer={peer} nameOf={nameOf} />
      <MeshMode
        isShown={mode === 'mesh'}
        peer={peer}
        nameOf={nameOf}
        text={url.ask}
        onText={(ask) => change({ ask })}
      />
    </section>
  );
}
