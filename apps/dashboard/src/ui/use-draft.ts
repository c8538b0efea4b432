'use client';

import { type ChangeEvent, useEffect, useState } from 'react';

/** What an input or a textarea needs to be bound to a draft. */
export interface DraftInput {
  readonly value: string;
  readonly onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
  readonly onFocus: () => void;
  readonly onBlur: () => void;
}

/**
 * Binds an input to a value that lives in the address. The address answers a moment later, and a fast typist would lose
 * letters to that echo: while the input has the focus, what is typed counts.
 */
export function useDraft(value: string, onChange: (value: string) => void): DraftInput {
  const [draft, setDraft] = useState(value);
  const [isFocused, setFocused] = useState(false);
  useEffect(() => {
    if (!isFocused) setDraft(value);
  }, [value, isFocused]);
  return {
    value: draft,
    onChange: (event) => {
      setDraft(event.target.value);
      onChange(event.target.value);
    },
    onFocus: () => setFocused(true),
    onBlur: () => setFocused(false),
  };
}
