'use client';

import { type ReactNode, useState } from 'react';
import { Icon } from './icons.tsx';
import { type ThemeChoice, themeCookie } from './theme.ts';

const next = { system: 'light', light: 'dark', dark: 'system' } as const;
const words = { system: 'as the system', light: 'light', dark: 'dark' } as const;

/** Steps through system, light and dark; the choice is kept for a year. */
export function ThemeSwitch({ initial }: { readonly initial: ThemeChoice }): ReactNode {
  const [choice, setChoice] = useState(initial);
  const step = (): void => {
    const chosen = next[choice];
    setChoice(chosen);
    document.documentElement.dataset.theme = chosen;
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store is not in every browser yet
    document.cookie = `${themeCookie}=${chosen}; path=/; max-age=31536000; samesite=strict`;
  };
  const label = `Colours: ${words[choice]}. Change to ${words[next[choice]]}.`;
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} onClick={step}>
      <Icon name={choice} />
    </button>
  );
}
