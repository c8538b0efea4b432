'use client';

import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { formatMs } from '../../ui/format.ts';
import { type PathPart, type PathStep, stepsOf, titleOf, troubleWords } from './query-path.ts';
import styles from './trace.module.css';

/** All of a path is shown within this, or a step each so often where it is short. By eye. */
const [playMs, stepMsMax] = [4_000, 350];

/** The way of a query: the mesh with its links lit one after another, and the same as a list. */
export function TracePane(properties: {
  readonly parts: readonly PathPart[];
  readonly nameOf: (peer: string) => string;
  readonly onClose: () => void;
  /** The picture with these steps lit, the last one the brightest. */
  readonly picture: (lit: readonly PathStep[]) => ReactNode;
}): ReactNode {
  const { parts, nameOf, onClose, picture } = properties;
  const steps = useMemo(() => stepsOf(parts), [parts]);
  const [lit, setLit] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const pane = useRef<HTMLElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const play = (): void => {
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    setLit(isStill ? steps.length : Math.min(1, steps.length));
    setPlaying(!isStill && steps.length > 1);
  };
  useEffect(play, [steps]);
  // On a small screen it is below the forms.
  useEffect(() => {
    // In braces: browsers of today return a promise, which is no way to clean up.
    pane.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  useEffect(() => {
    if (!isPlaying) return;
    const every = Math.min(stepMsMax, playMs / Math.max(1, steps.length));
    const timer = setInterval(() => setLit((before) => before + 1), every);
    return () => clearInterval(timer);
  }, [isPlaying, steps]);
  useEffect(() => {
    if (lit >= steps.length) setPlaying(false);
  }, [lit, steps]);
  const shown = useMemo(() => steps.slice(0, lit), [steps, lit]);

  const choose = (index: number): void => {
    setPlaying(false);
    setLit(index + 1);
  };
  /** Arrow keys go from step to step, across parts. */
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0) return;
    const buttons = [...(list.current?.querySelectorAll<HTMLButtonElement>('li button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = buttons[at + by];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    next.focus();
    choose(Number(next.dataset.step));
  };
  return (
    <section className={styles.pane} ref={pane} aria-label="The way of the query">
      <header className={styles.bar}>
        <h2>The way it took</h2>
        <span className={styles.state} role="status" data-testid="trace-state" data-lit={lit}>
          {isPlaying ? 'drawing…' : `step ${lit} of ${steps.length}`}
        </span>
        <button type="button" className="button" onClick={play}>
          Again
        </button>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div className={styles.split}>
        <div className={styles.picture}>{picture(shown)}</div>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: its buttons take the keys */}
        <div className={styles.list} ref={list} onKeyDown={onKeyDown} data-testid="trace-list">
          {parts.map((part, number) => (
            // Parts are only ever added at the end.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <section key={number}>
              <h3>{titleOf(part)}</h3>
              <ol>
                {steps.map((step, index) =>
                  step.part === number ? (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a path does not change
                    <li key={index}>
                      <button
                        type="button"
                        data-step={index}
                        data-lit={index < lit}
                        aria-current={index === lit - 1 ? 'step' : undefined}
                        onClick={() => choose(index)}
                      >
                        <StepLine step={step} nameOf={nameOf} />
                      </button>
                    </li>
                  ) : null,
                )}
              </ol>
              {part.cut > 0 && <p className={styles.cut}>… and {part.cut} further peers, left out</p>}
            </section>
          ))}
        </div>
      </div>
    </section>
  );
}

function StepLine({ step, nameOf }: { readonly step: PathStep; readonly nameOf: (peer: string) => string }): ReactNode {
  const { peer, parent, atMs, roundTripMs, localMs, hits, state } = step;
  const facts = [
    ...(parent === '' || roundTripMs === null ? [] : [`round trip ${formatMs(roundTripMs)}`]),
    ...(localMs === null ? [] : [`index ${formatMs(localMs)}`]),
    ...(hits === 0 ? [] : [hits === 1 ? '1 hit' : `${hits} hits`]),
    ...(step.part > 0 && localMs === null && hits === 0 && state === 'done' ? ['passed it on'] : []),
  ];
  return (
    <>
      <span className={styles.at}>{formatMs(atMs)}</span>
      <span className={styles.who}>
        {parent !== '' && (
          <>
            {nameOf(parent)} <i aria-hidden="true">→</i>
            <span className="visually-hidden"> asks </span>{' '}
          </>
        )}
        <b>{nameOf(peer)}</b>
      </span>
      <span className={styles.facts}>
        {troubleWords[state] !== '' && <em>{troubleWords[state]}</em>} {facts.join(' · ')}
      </span>
    </>
  );
}
