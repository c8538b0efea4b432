'use client';

import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { shortId } from '../../ui/format.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import styles from './console.module.css';
import { PublishForm } from './publish-form.tsx';
import { QueryForm } from './query-form.tsx';
import { SubscribePane } from './subscribe-pane.tsx';
import { TokenField } from './token-field.tsx';

const defaultTopic = 'greetings';

/** Try the mesh from here: publish, listen, ask, as any peer. `access`: the mesh asks for tokens, and where one may be found. */
export function ConsoleView({ access }: { readonly access: { readonly hint: string } | null }): ReactNode {
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
        <QueryForm peer={peer} nameOf={nameOf} />
      </div>
      <SubscribePane peer={peer} nameOf={nameOf} />
    </section>
  );
}
