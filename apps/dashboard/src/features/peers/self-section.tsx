'use client';

import { type ReactNode, useEffect, useState } from 'react';
import type { MeshProblem } from '../../server/mesh-client.ts';
import { formatMs, formatNumber, formatShare, formatTime } from '../../ui/format.ts';
import { getJson } from '../../ui/post.ts';
import { useNow } from '../../ui/use-now.ts';
import { type Judged, judgeAuthority, judgeCertificate, judgeClock, type PeerSelf } from './peer-self.ts';
import styles from './peers.module.css';

/** Asked again so often while its detail is open and seen. Guess: what it says changes slowly. */
const againMs = 15_000;

interface Said {
  readonly self: PeerSelf | null;
  readonly problem: MeshProblem | null;
  /** When that was heard, or tried in vain; 0: not yet. */
  readonly at: number;
}

const nothing: Said = { self: null, problem: null, at: 0 };

/** What the peer itself says when it is asked alone: whether it answers at all is the first thing that one wants to know. */
export function SelfSection({ peer }: { readonly peer: string }): ReactNode {
  const [said, setSaid] = useState(nothing);
  const [asksServes, setAsksServes] = useState(false);
  useEffect(() => {
    setSaid(nothing);
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      if (document.hidden) return;
      const answer = await getJson<PeerSelf>(`/api/peer?id=${peer}`, abort.signal);
      if (abort.signal.aborted) return;
      setSaid((before) =>
        'problem' in answer
          ? { ...before, problem: answer.problem, at: Date.now() }
          : { self: { ...answer.value, serves: before.self?.serves ?? null }, problem: null, at: Date.now() },
      );
    };
    void ask();
    const timer = setInterval(() => void ask(), againMs);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [peer]);
  const askServes = async (): Promise<void> => {
    setAsksServes(true);
    const answer = await getJson<PeerSelf>(`/api/peer?id=${peer}&serves=1`);
    setAsksServes(false);
    setSaid((before) =>
      'problem' in answer
        ? { ...before, problem: answer.problem, at: Date.now() }
        : { self: answer.value, problem: null, at: Date.now() },
    );
  };
  const { self, problem, at } = said;
  return (
    <section aria-label="As it says itself" data-testid="peer-self">
      <h3>As it says itself</h3>
      <p className={styles.answers} role="status">
        {at === 0 ? (
          'Asking it…'
        ) : problem === null ? (
          ''
        ) : (
          <span className="warning-text">
            <b>It did not answer</b> at {formatTime(at)}: {problem.message}
          </span>
        )}
      </p>
      {self !== null && <Facts self={self} isOld={problem !== null} />}
      {self !== null && self.serves === null && (
        <button
          type="button"
          className={`button ${styles.small}`}
          disabled={asksServes}
          onClick={() => void askServes()}
        >
          {asksServes ? 'Asking…' : 'Ask what it serves'}
        </button>
      )}
    </section>
  );
}

function Facts({ self, isOld }: { readonly self: PeerSelf; readonly isOld: boolean }): ReactNode {
  // The browser's clock may be wrong as well; it is right enough for hours.
  const now = useNow();
  const { meshSize, deliveryRatio, certificate, authorityUntil, serves, tookMs } = self;
  const clock = judgeClock(self);
  const isJudged = now > 0;
  return (
    <dl className={styles.facts} data-old={isOld}>
      <Line label="Answers" text={`in ${formatMs(tookMs)}`} />
      <Line label="Knows" text={meshSize === 1 ? 'itself alone' : `${formatNumber(meshSize)} peers`} />
      {deliveryRatio !== null && (
        <Line
          label="Hears"
          text={`${formatShare(deliveryRatio)} of the others’ canaries`}
          tone={deliveryRatio < 0.999 ? 'warning' : ''}
        />
      )}
      {certificate === null ? (
        <Line label="Links" text="not encrypted" />
      ) : (
        isJudged && <Line label="Certificate" {...judgeCertificate(certificate, now)} />
      )}
      {authorityUntil !== null && isJudged && <Line label="Authority" {...judgeAuthority(authorityUntil, now)} />}
      {clock !== null && <Line label="Clock" {...clock} />}
      {serves !== null && (
        <>
          <Line label="Engines" text={countText(serves.responders, 'attached')} />
          <Line label="Subscribers" text={countText(serves.subscribers, 'open')} />
          <Line label="Records" text={countText(serves.records, 'held for lookups')} />
          <Line label="Searches" text={countText(serves.queries, 'at work')} />
        </>
      )}
    </dl>
  );
}

function countText(count: number | null, what: string): string {
  return count === null ? '–' : `${count === 0 ? 'none' : formatNumber(count)} ${what}`;
}

function Line({
  label,
  text,
  tone = '',
}: { readonly label: string } & Partial<Judged> & Pick<Judged, 'text'>): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd data-tone={tone}>{text}</dd>
    </div>
  );
}
