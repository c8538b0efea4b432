'use client';

import { type FormEvent, type ReactNode, useState } from 'react';
import type { MeshProblem } from '../../server/mesh-client.ts';
import { shortId } from '../../ui/format.ts';
import { post } from '../../ui/post.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import { useDraft } from '../../ui/use-draft.ts';
import styles from './console.module.css';
import { consoleToken } from './console-token.ts';

interface Published {
  readonly messageId: string;
  readonly origin: string;
  readonly sequence: number;
  readonly isAlone: boolean;
}

/** Publishes one message as the peer that is given, or as any. */
export function PublishForm(properties: {
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
  readonly topic: string;
  readonly onTopic: (topic: string) => void;
}): ReactNode {
  const { peer, nameOf, topic, onTopic } = properties;
  const draft = useDraft(topic, onTopic);
  const [payload, setPayload] = useState('hello, flock');
  const [outcome, setOutcome] = useState<Published | MeshProblem | null>(null);
  const [isBusy, setBusy] = useState(false);

  const publish = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const answer = await post('/api/publish', { topic: draft.value, payload, peer }, consoleToken());
    setOutcome(answer instanceof Response ? ((await answer.json()) as Published) : answer);
    setBusy(false);
  };
  return (
    <form className={styles.card} onSubmit={publish} aria-label="Publish">
      <h2>Publish</h2>
      <label>
        Topic
        <input name="topic" {...draft} spellCheck={false} required />
      </label>
      <label>
        Payload
        <textarea
          name="payload"
          rows={3}
          value={payload}
          onChange={(event) => setPayload(event.target.value)}
          spellCheck={false}
        />
      </label>
      <div className={styles.actions}>
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Publish
        </button>
        {outcome !== null && 'messageId' in outcome && (
          <output data-testid="published">
            Message {outcome.sequence} of {nameOf(outcome.origin)} <code>{shortId(outcome.messageId)}</code>
            {outcome.isAlone && <b className="warning-text"> held there alone: the peer has no neighbour</b>}
          </output>
        )}
      </div>
      {outcome !== null && 'code' in outcome && <ProblemLine problem={outcome} />}
    </form>
  );
}
