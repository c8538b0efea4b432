'use client';

import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { shortId } from '../../ui/format.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import styles from './console.module.css';
import { PublishForm } from './publish-form.tsx';
import { QueryForm } from './query-form.tsx';
import type { TracePart } from './query-line.ts';
import { SubscribePane } from './subscribe-pane.tsx';
import { TokenField } from './token-field.tsx';

const defaultTopic = 'greetings';

/**
 * Try the mesh from here: publish, listen, ask, as any peer. `access`: the mesh asks for tokens, and where one may be found.
 * `traced` stands beside the forms while a way of a query is shown.
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
  return (
    <section className={styles.page} aria-label="Console">
      <div className={styles.column}>
        <label className={styles.as}>
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
        <PublishForm
          peer={peer}
          nameOf={nameOf}
          topic={url.topic || defaultTopic}
          onTopic={(topic) => change({ topic: topic === defaultTopic ? '' : topic })}
        />
        <QueryForm peer={peer} nameOf={nameOf} onTrace={onTrace} />
      </div>
      {traced}
      {/* It goes on listening meanwhile. */}
      <div className={styles.beside} hidden={traced !== null}>
        <SubscribePane peer={peer} nameOf={nameOf} />
      </div>
    </section>
  );
}
