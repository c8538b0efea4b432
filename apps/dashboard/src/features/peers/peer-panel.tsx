'use client';

import type { MeshPicture, NumberedChange, PeerFacts, PeerView } from '@starling/topology';
import { type ReactNode, useState } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import {
  formatAge,
  formatBytes,
  formatMoment,
  formatNumber,
  formatShare,
  formatTime,
  shortId,
} from '../../ui/format.ts';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import { Icon } from '../../ui/icons.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import { type ActedOn, ActionDialog } from './action-dialog.tsx';
import actionStyles from './actions.module.css';
import { actionsFor, type PeerAction } from './peer-action.ts';
import { PeerLinks } from './peer-links.tsx';
import styles from './peers.module.css';
import { SelfSection } from './self-section.tsx';

/** All that is known of one peer, its links with both directions, and what an operator can do to it. */
export function PeerPanel(properties: {
  readonly peer: string;
  /** Whether the mesh asks for tokens. */
  readonly asksToken: boolean;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { peer: id, asksToken, onSelect } = properties;
  const { picture, pastAt } = useFeed();
  const [url] = useUrlState();
  // A moment that is asked for and has not come yet is not now either.
  const isNow = pastAt === null && url.past === '';
  // Here and not in the detail: a peer that was drained is gone before it is said that it was.
  const [act, setAct] = useState<{ readonly action: PeerAction; readonly peer: ActedOn } | null>(null);
  const view = picture.peers.get(id);
  const gone = goneOf(picture, id);
  return (
    <section className={styles.panel} aria-label="Selected peer" data-testid="peer-panel">
      <header>
        <h2>{view?.peer.name || gone?.name || shortId(id)}</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => onSelect('')}
        >
          <Icon name="close" />
        </button>
      </header>
      {view === undefined ? (
        <div className={styles.absent}>
          {gone === undefined
            ? 'The mesh does not know this peer.'
            : `This peer is gone. It ${goneWords[gone.reason]} at ${formatTime(gone.at)}; its neighbours replace its links.`}
          {/* Who is banned for long is forgotten, and the ban is not. */}
          {(gone === undefined || gone.reason === 'expired') && isNow && (
            <div className={actionStyles.actions}>
              <button
                type="button"
                className="button"
                onClick={() => setAct({ action: 'unban', peer: { id, name: '' } })}
              >
                Lift a ban of it…
              </button>
            </div>
          )}
        </div>
      ) : (
        <PeerDetail
          view={view}
          picture={picture}
          onSelect={onSelect}
          isNow={isNow}
          onAct={(action) => setAct({ action, peer: view.peer })}
        />
      )}
      {act !== null && (
        <ActionDialog
          action={act.action}
          peer={act.peer}
          others={picture.peers.size - (picture.peers.has(act.peer.id) ? 1 : 0)}
          asksToken={asksToken}
          nameOf={(peer) => picture.peers.get(peer)?.peer.name || shortId(peer)}
          onClose={() => setAct(null)}
        />
      )}
    </section>
  );
}

const goneWords = {
  left: 'said goodbye',
  dead: 'died, or hung and was given up,',
  expired: 'was no longer heard of',
} as const;

/** When and how a peer went; undefined: nothing is known of it. The list of changes remembers it longer than the picture shows it. */
function goneOf({ changes }: MeshPicture, id: string) {
  return changes.find((change) => change.kind === 'removed' && change.peer === id) as GoneChange | undefined;
}

type GoneChange = Extract<NumberedChange, { readonly kind: 'removed' }>;

function PeerDetail(properties: {
  readonly view: PeerView;
  readonly picture: MeshPicture;
  readonly onSelect: (peer: string) => void;
  /** Nothing can be done to the past. */
  readonly isNow: boolean;
  readonly onAct: (action: PeerAction) => void;
}): ReactNode {
  const { view, picture, onSelect, isNow, onAct } = properties;
  const { peer, report, verdict } = view;
  const now = useNow();
  return (
    <div className={styles.detail}>
      <div className={styles.verdict} data-health={verdict.health}>
        <HealthGlyph health={verdict.health} />
        <b>{peer.ban === undefined ? healthLabels[verdict.health] : 'Banned'}</b>
        <span>{verdict.reasons.join(' · ')}</span>
      </div>
      {report !== null && (
        <dl className={styles.rates}>
          <Rate label="Delivered" value={`${formatNumber(report.deliveredPerSecond)}/s`} />
          <Rate label="Published" value={`${formatNumber(report.publishedPerSecond)}/s`} />
          <Rate label="Dropped" value={`${formatNumber(report.droppedPerSecond)}/s`} />
          <Rate label="Event loop" value={formatShare(report.loopUtilization)} />
          <Rate label="Heap" value={formatBytes(report.heapBytes)} />
          <Rate label="Documents" value={formatNumber(report.documentCount)} />
        </dl>
      )}
      <PeerLinks peer={peer.id} picture={picture} onSelect={onSelect} />
      {isNow && <Actions peer={peer} onAct={onAct} />}
      {isNow && peer.apiAddress !== '' && <SelfSection peer={peer.id} />}
      <h3>Identity</h3>
      <dl className={styles.facts}>
        <Fact label="Id" value={peer.id} isCode />
        <Fact label="Zone" value={peer.zone || 'none'} />
        <Fact label="State" value={peer.state} />
        <Fact label="Up" value={peer.incarnation > 0 && now > 0 ? formatAge(now - peer.incarnation) : '–'} />
        <Fact label="Spares" value={report === null ? '–' : `${report.passiveViewSize} in the passive view`} />
        <Fact label="Links at" value={peer.linkAddress || '–'} isCode />
        <Fact label="API at" value={peer.apiAddress || '–'} isCode />
        <Fact label="Version" value={peer.version || '–'} />
      </dl>
    </div>
  );
}

const actionLabels = { drain: 'Drain…', ban: 'Ban…', unban: 'Lift the ban…' } as const;

/** What an operator can do to it. Each asks once more. */
function Actions({
  peer,
  onAct,
}: {
  readonly peer: PeerFacts;
  readonly onAct: (action: PeerAction) => void;
}): ReactNode {
  const { ban } = peer;
  const now = useNow();
  return (
    <section aria-label="Operate">
      <div className={actionStyles.actions}>
        {actionsFor(peer).map((action) => (
          <button key={action} type="button" className="button" onClick={() => onAct(action)}>
            {actionLabels[action]}
          </button>
        ))}
      </div>
      {ban !== undefined && (
        <p className={actionStyles.lifted}>
          {ban.until === null ? 'Banned until it is lifted.' : `Banned until ${formatMoment(ban.until, now)}.`}
          {ban.scope === 'mesh' && (
            <>
              {' '}
              In the whole mesh: who has the operator’s key lifts it by{' '}
              <code>starling unban {peer.name || peer.id}</code>.
            </>
          )}
        </p>
      )}
    </section>
  );
}

function Rate({ label, value }: { readonly label: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Fact(properties: { readonly label: string; readonly value: string; readonly isCode?: boolean }): ReactNode {
  return (
    <div>
      <dt>{properties.label}</dt>
      <dd>{properties.isCode === true ? <code>{properties.value}</code> : properties.value}</dd>
    </div>
  );
}
