'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useLiveFeed } from '../feed/feed-provider.tsx';
import { FindBox } from './find-box.tsx';
import { FreshnessBadge } from './freshness-badge.tsx';
import { HelpSheet } from './help-sheet.tsx';
import { Icon, Mark } from './icons.tsx';
import type { ThemeChoice } from './theme.ts';
import { ThemeSwitch } from './theme-switch.tsx';
import { hrefWith, useUrlState } from './use-url-state.ts';

const pages = [
  { path: '/', label: 'Topology', icon: 'topology' },
  { path: '/peers', label: 'Peers', icon: 'peers' },
  { path: '/zones', label: 'Zones', icon: 'zones' },
  { path: '/traffic', label: 'Traffic', icon: 'traffic' },
  { path: '/bans', label: 'Bans', icon: 'bans' },
  { path: '/console', label: 'Console', icon: 'console' },
] as const;

/** The frame of all pages: where to go, what is searched, how fresh it is; and the keys that work everywhere. */
export function Shell(properties: { readonly theme: ThemeChoice; readonly children: ReactNode }): ReactNode {
  const path = usePathname();
  const [url, change] = useUrlState();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const find = useRef<HTMLInputElement>(null);
  const { isConnected, hasPicture, picture } = useLiveFeed();
  const isThen = url.past !== '';

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (event.key === 'Escape') {
        if (isTyping) (event.target as HTMLElement).blur();
        else if (!document.querySelector('dialog[open]')) change({ peer: '' });
      }
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') {
        event.preventDefault();
        find.current?.focus();
        find.current?.select();
      } else if (event.key === '?') setHelpOpen(true);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [change]);

  return (
    <div className="shell" data-connected={isConnected}>
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <header className="top">
        <h1 className="visually-hidden">{pages.find((page) => page.path === path)?.label ?? 'Starling'}</h1>
        <Link href="/" className="brand" aria-label="Starling">
          <Mark />
          <b>Starling</b>
        </Link>
        <nav aria-label="Pages">
          {pages.map(({ path: target, label, icon }) => (
            <Link key={target} href={hrefWith(target, url)} aria-current={path === target ? 'page' : undefined}>
              <Icon name={icon} />
              {label}
            </Link>
          ))}
        </nav>
        <FindBox inputRef={find} value={url.find} onChange={(text) => change({ find: text })} />
        <FreshnessBadge />
        <button
          type="button"
          className="icon-button"
          aria-label="Look back"
          title="Look back at the last minutes"
          aria-pressed={isThen}
          disabled={!hasPicture}
          onClick={() => change({ past: isThen ? '' : String(picture.now) })}
        >
          <Icon name="past" />
        </button>
        <ThemeSwitch initial={properties.theme} />
        <button
          type="button"
          className="icon-button"
          aria-label="Keys and help"
          title="Keys and help (?)"
          onClick={() => setHelpOpen(true)}
        >
          <Icon name="help" />
        </button>
      </header>
      {properties.children}
      <HelpSheet isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}
