'use client';

import type { PeerFacts } from '@starling/topology';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { formatMs, shortId } from '../../ui/format.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import { useAsked } from '../../ui/use-asked.ts';
import styles from './actions.module.css';
import { operatorToken, setOperatorToken } from './operator-token.ts';
import { type ActionAnswer, banCommand, banSpans, type PeerAction } from './peer-action.ts';

const words: Readonly<Record<PeerAction, { readonly title: string; readonly button: string; readonly busy: string }>> =
  {
    drain: { title: 'Drain', button: 'Drain', busy: 'Draining…' },
    ban: { title: 'Ban', button: 'Ban', busy: 'Telling the peers…' },
    unban: { title: 'Lift the ban of', button: 'Unban', busy: 'Telling the peers…' },
  };

/** Whom an action is about. */
export type ActedOn = Pick<PeerFacts, 'id' | 'name'>;

/** Asks once more, by the peer's name, for the operator's token and what else is needed; does it, and says what came of it. */
export function ActionDialog(properties: {
  readonly action: PeerAction;
  readonly peer: ActedOn;
  /** Other peers, who are told of a ban. */
  readonly others: number;
  /** Whether the mesh asks for tokens. */
  readonly asksToken: boolean;
  readonly nameOf: (peer: string) => string;
  readonly onClose: () => void;
}): ReactNode {
  const { action, peer, others, asksToken, nameOf, onClose } = properties;
  const dialog = useRef<HTMLDialogElement>(null);
  const [token, setToken] = useState(operatorToken);
  const [reason, setReason] = useState('');
  const [spanMs, setSpanMs] = useState<number | null>(banSpans[1][0]);
  const [asked, ask] = useAsked<ActionAnswer>(`/api/${action}`);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const name = peer.name || shortId(peer.id);
  const isDone = asked.state === 'answered';
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    setOperatorToken(token);
    const wish = action === 'ban' ? { peer: peer.id, reason, forMs: spanMs } : { peer: peer.id };
    void ask(wish, asksToken ? token.trim() : '');
  };
  return (
    <dialog ref={dialog} className={styles.dialog} onClose={onClose} aria-labelledby="action-title">
      <form onSubmit={onSubmit} autoComplete="off">
        <h2 id="action-title">
          {words[action].title} {name}?
        </h2>
        <p>
          <Consequence action={action} name={name} others={others} />
        </p>
        <p className={styles.id}>
          <code>{peer.id}</code>
        </p>
        {!isDone && (
          <>
            {action === 'ban' && (
              <BanFields
                {...{ reason, spanMs }}
                onReason={setReason}
                onSpan={setSpanMs}
                command={banCommand(name, spanMs, reason)}
              />
            )}
            {asksToken && (
              <label>
                Your operator’s token
                <input
                  name="operator-token"
                  type="password"
                  autoComplete="off"
                  spellCheck={false}
                  placeholder="starling_operator_…"
                  value={token}
                  onChange={(event) => setToken(event.target.value)}
                  required
                />
                <small>Kept in this page’s memory until it is reloaded, and handed to the peers alone.</small>
              </label>
            )}
          </>
        )}
        {asked.state === 'refused' && <ProblemLine problem={asked.problem} />}
        <div className={styles.outcome} role="status" data-testid="action-outcome">
          {asked.state === 'busy' && words[action].busy}
          {isDone && <Outcome action={action} answer={asked.answer} name={name} nameOf={nameOf} />}
        </div>
        <div className={styles.buttons}>
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {isDone ? 'Close' : 'Cancel'}
          </button>
          {!isDone && (
            <button
              type="submit"
              className={`button ${action === 'unban' ? 'button-primary' : 'button-danger'}`}
              disabled={asked.state === 'busy'}
            >
              {words[action].button} {name}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

function Consequence(properties: {
  readonly action: PeerAction;
  readonly name: string;
  readonly others: number;
}): ReactNode {
  const { action, name, others } = properties;
  const all = others === 1 ? 'The other peer' : `The other ${others.toLocaleString('en')} peers`;
  switch (action) {
    case 'drain':
      return `${name} hands over what it holds, says goodbye and leaves the mesh. Its process stays, not ready, until it is restarted.`;
    case 'ban':
      return `${all} cut their links with ${name} and take no new ones. It lives on alone, and still serves its own clients.`;
    case 'unban':
      return `${all} forget their bans of ${name}, their own verdicts too. It finds its way back by itself.`;
  }
}

function BanFields(properties: {
  readonly reason: string;
  readonly spanMs: number | null;
  readonly onReason: (reason: string) => void;
  readonly onSpan: (spanMs: number | null) => void;
  readonly command: string;
}): ReactNode {
  const { reason, spanMs, onReason, onSpan, command } = properties;
  return (
    <>
      <label>
        Reason, for who finds it later
        <input
          name="reason"
          value={reason}
          onChange={(event) => onReason(event.target.value)}
          maxLength={256}
          required
        />
      </label>
      <label>
        For
        <select
          name="span"
          value={spanMs ?? ''}
          onChange={(event) => onSpan(event.target.value === '' ? null : Number(event.target.value))}
        >
          {banSpans.map(([ms, text]) => (
            <option key={text} value={ms ?? ''}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <p className={styles.aside}>
        Peers that join later do not know of it. Who has the operator’s key bans for them, too: <code>{command}</code>
      </p>
    </>
  );
}

function Outcome(properties: {
  readonly action: PeerAction;
  readonly answer: ActionAnswer;
  readonly name: string;
  readonly nameOf: (peer: string) => string;
}): ReactNode {
  const { action, answer, name, nameOf } = properties;
  if ('neighborsTold' in answer) {
    const told = answer.neighborsTold === 1 ? '1 neighbour' : `${answer.neighborsTold} neighbours`;
    return `${name} has left the mesh: ${told} told, in ${formatMs(answer.elapsedMs)}.`;
  }
  const { done, asked, failed, left } = answer;
  return (
    <>
      {action === 'ban' ? `${name} is banned` : `The ban of ${name} is lifted`} at {done} of{' '}
      {asked === 1 ? '1 peer' : `${asked} peers`}.
      {failed.length > 0 && (
        <ul>
          {failed.map(({ peer, problem }) => (
            <li key={peer}>
              not at {nameOf(peer)}: {problem.message}
            </li>
          ))}
        </ul>
      )}
      {left > 0 && <span className="warning-text"> The time was over for {left} of them: do it again.</span>}
    </>
  );
}
