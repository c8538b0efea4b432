'use client';

import { type ReactNode, type RefObject, useId } from 'react';
import { useFeed } from '../feed/feed-provider.tsx';
import { Icon } from './icons.tsx';
import { useDraft } from './use-draft.ts';
import { useMatches } from './use-matches.ts';

/** The find expression, the same for graph and table, and how many peers it matches. */
export function FindBox(properties: {
  readonly inputRef: RefObject<HTMLInputElement | null>;
  readonly value: string;
  readonly onChange: (text: string) => void;
}): ReactNode {
  const { inputRef, value, onChange } = properties;
  const matches = useMatches(useFeed(), value);
  const draft = useDraft(value, onChange);
  const hintId = useId();
  return (
    <search className="find">
      <Icon name="find" />
      <input
        ref={inputRef}
        type="search"
        {...draft}
        placeholder="Find: zone=a degree<3"
        aria-label="Find peers by name, id, zone, or field=value"
        aria-describedby={hintId}
        aria-invalid={matches?.problem !== null && matches?.problem !== undefined}
        spellCheck={false}
        autoComplete="off"
      />
      <span id={hintId} className="find-count" role="status">
        {matches === null ? <kbd>/</kbd> : (matches.problem ?? `${matches.ids.size} found`)}
      </span>
    </search>
  );
}
