'use client';

import type { NumberedChange } from '@starling/topology';
import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatTime, shortId } from '../../ui/format.ts';
import { healthLabels } from '../../ui/health-glyph.tsx';
import styles from './changes.module.css';

const shownMax = 80;

const removalWords = { left: 'left', dead: 'died', expired: 'is no longer known' } as const;

const crowdWords = {
  joined: 'joined',
  left: 'left',
  dead: 'died',
  expired: 'are no longer known',
  healthy: 'are healthy',
  warning: 'need attention',
  critical: 'are in trouble',
  unknown: 'are not heard any more',
} as const;

/** What happened to the mesh while anybody watched, the newest first. */
export function ChangesFeed({ onSelect }: { readonly onSelect: (peer: string) => void }): ReactNode {
  const { picture } = useFeed();
  const changes = picture.changes.slice(0, shownMax);
  return (
    <section className={styles.feed} aria-label="Recent changes">
      <h2>Recent changes</h2>
      {changes.length === 0 ? (
        <p className={styles.quiet}>Nothing has changed since somebody began to watch.</p>
      ) : (
        <ol>
          {changes.map((change) => (
            <li key={change.number} data-tone={toneOf(change)}>
              <time>{formatTime(change.at)}</time>
              <span>
                <ChangeText change={change} onSelect={onSelect} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** The latest change, said aloud. Politely: a mesh of thousands must not chatter. */
export function ChangesAnnouncer(): ReactNode {
  const { picture } = useFeed();
  const latest = picture.changes.find((change) => change.kind !== 'links');
  return (
    <p className="visually-hidden" aria-live="polite">
      {latest === undefined ? '' : changeText(latest)}
    </p>
  );
}

function ChangeText(properties: {
  readonly change: NumberedChange;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { change, onSelect } = properties;
  if (change.kind !== 'joined' && change.kind !== 'health' && change.kind !== 'removed') return changeText(change);
  const name = change.name || shortId(change.peer);
  const rest = changeText(change).slice(name.length);
  return (
    <>
      {change.kind === 'removed' ? (
        <b>{name}</b>
      ) : (
        <button type="button" className="link-button" onClick={() => onSelect(change.peer)}>
          {name}
        </button>
      )}
      {rest}
    </>
  );
}

/** A change as a sentence, without its full stop. */
function changeText(change: NumberedChange): string {
  switch (change.kind) {
    case 'joined':
      return `${change.name || shortId(change.peer)} joined`;
    case 'removed':
      return `${change.name || shortId(change.peer)} ${removalWords[change.reason]}`;
    case 'health': {
      const name = change.name || shortId(change.peer);
      if (change.to === 'healthy') return `${name} is healthy`;
      return `${name}: ${change.reason || healthLabels[change.to]}`;
    }
    case 'crowd':
      return `${change.peers.toLocaleString('en')} peers ${crowdWords[change.what]}`;
    case 'links': {
      const made =
        change.made === 0 ? [] : [`${change.made.toLocaleString('en')} ${change.made === 1 ? 'link' : 'links'} made`];
      const lost =
        change.lost === 0 ? [] : [`${change.lost.toLocaleString('en')} ${change.lost === 1 ? 'link' : 'links'} lost`];
      return [...made, ...lost].join(', ');
    }
    case 'split':
      return `The mesh is in ${change.parts} parts`;
    case 'merged':
      return 'The mesh is one again';
  }
}

function toneOf(change: NumberedChange): string {
  switch (change.kind) {
    case 'joined':
    case 'merged':
      return 'healthy';
    case 'removed':
      return change.reason === 'left' ? 'unknown' : 'critical';
    case 'health':
      return change.to;
    case 'crowd':
      return change.what in healthLabels ? change.what : change.what === 'joined' ? 'healthy' : 'critical';
    case 'links':
      return 'quiet';
    case 'split':
      return 'critical';
  }
}
