'use client';

import { type ComponentProps, type ReactNode, useCallback, useEffect, useState } from 'react';
import { useFeed, useLiveFeed } from '../../feed/feed-provider.tsx';
import { differenceOf } from '../../feed/past-picture.ts';
import { formatAge, formatTime } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { useUrlState } from '../../ui/use-url-state.ts';
import { nearestFrame, stepFrame } from './frames.ts';
import styles from './past.module.css';

/** How often it is asked which moments are held, while somebody looks back. */
const refreshMs = 5_000;
/** A frame so often while it plays: they are 5 s apart, so ten times as fast as it was. */
const playMs = 500;

/** A slider over the last minutes, and what was different then. Not there while now is shown. */
export function PastBar(): ReactNode {
  const [{ past }, change] = useUrlState();
  const onMoment = useCallback((at: number | null) => change({ past: at === null ? '' : String(at) }), [change]);
  return past === '' ? null : <OpenPastBar moment={Number(past)} onMoment={onMoment} />;
}

function OpenPastBar(properties: {
  readonly moment: number;
  /** Null: back to now. */
  readonly onMoment: (at: number | null) => void;
}): ReactNode {
  const { moment, onMoment } = properties;
  const shown = useFeed();
  const live = useLiveFeed();
  const times = useTimes();
  const [isPlaying, setPlaying] = useState(false);
  const place = nearestFrame(times, moment);
  const next = stepFrame(times, moment, 1);
  const before = stepFrame(times, moment, -1);
  useEffect(() => {
    if (!isPlaying) return;
    if (next === null) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => onMoment(next), playMs);
    return () => clearTimeout(timer);
  }, [isPlaying, next, onMoment]);
  /** By hand: at once no longer playing, or its next step would undo it. */
  const choose = (at: number | null): void => {
    setPlaying(false);
    onMoment(at);
  };
  const isThen = shown.pastAt !== null;
  const at = shown.pastAt ?? moment;
  return (
    <section className={styles.bar} aria-label="Look back" data-testid="past">
      <b className={styles.tag}>Then</b>
      <span className={styles.time}>
        <span role="status">{isThen ? formatTime(at) : 'looking…'}</span>
        {/* It ticks, and would be said every second. */}
        {isThen && <span aria-hidden="true">, {formatAge(live.picture.now - at)} ago</span>}
      </span>
      <div className={styles.controls}>
        <Control name="Back" title="A moment back" icon="back" isOff={before === null} act={() => choose(before)} />
        <Control
          name={isPlaying ? 'Stop' : 'Play'}
          title={isPlaying ? 'Stop' : 'Play until now'}
          icon={isPlaying ? 'pause' : 'open'}
          isOff={next === null}
          act={() => setPlaying(!isPlaying)}
        />
        <Control name="Forward" title="A moment on" icon="forward" isOff={next === null} act={() => choose(next)} />
      </div>
      <input
        type="range"
        aria-label="Moment"
        min={0}
        max={Math.max(0, times.length - 1)}
        value={Math.max(0, place)}
        aria-valuetext={formatTime(at)}
        disabled={times.length < 2}
        onChange={(event) => choose(times[Number(event.target.value)] ?? null)}
      />
      <span className={styles.span}>{times[0] === undefined ? '' : `from ${formatTime(times[0])}`}</span>
      {isThen && <Difference />}
      <button type="button" className="button button-primary" onClick={() => choose(null)}>
        Back to now
      </button>
    </section>
  );
}

function Control(properties: {
  readonly name: string;
  readonly title: string;
  readonly icon: ComponentProps<typeof Icon>['name'];
  readonly isOff: boolean;
  readonly act: () => void;
}): ReactNode {
  const { name, title, icon, isOff, act } = properties;
  return (
    <button type="button" className="icon-button" aria-label={name} title={title} disabled={isOff} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}

/** Who came and who went since. */
function Difference(): ReactNode {
  const { picture: then } = useFeed();
  const { picture: now } = useLiveFeed();
  const { came, went } = differenceOf(then, now);
  if (came.length === 0 && went.length === 0) return <span className={styles.since}>the same peers as now</span>;
  return (
    <span
      className={styles.since}
      title={[...came.map((name) => `+ ${name}`), ...went.map((name) => `− ${name}`)].join('\n')}
    >
      since then{' '}
      {[...(came.length > 0 ? [`${came.length} came`] : []), ...(went.length > 0 ? [`${went.length} went`] : [])].join(
        ', ',
      )}
    </span>
  );
}

/** The moments that are held, asked for again and again. */
function useTimes(): readonly number[] {
  const [times, setTimes] = useState<readonly number[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const response = await fetch('/api/past', { signal: abort.signal });
        if (response.ok) setTimes(((await response.json()) as { times: readonly number[] }).times);
      } catch {
        // The server went: the feed says so.
      }
    };
    void ask();
    const timer = setInterval(ask, refreshMs);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);
  return times;
}
