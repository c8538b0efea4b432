'use client';

import { useSearchParams } from 'next/navigation';
import { useCallback, useMemo } from 'react';

/** The part of the view that a link carries: every picture can be bookmarked and sent to a colleague. */
export interface UrlState {
  /** Selected peer's id; empty for none. */
  readonly peer: string;
  readonly find: string;
  /** The moment of the past that is shown, ms since 1970; empty: now. */
  readonly past: string;
  readonly layout: 'zones' | 'force' | 'ring' | 'hops';
  readonly edges: 'focus' | 'tree' | 'all';
  readonly sort: string;
  /** What the console tries. */
  readonly mode: 'messages' | 'search' | 'lookup' | 'mesh';
  readonly topic: string;
  /** The console's question about the mesh. */
  readonly ask: string;
  /** Zones that are drawn peer by peer in a folded picture, in the order in which they were opened. */
  readonly open: readonly string[];
  /** The two zones whose links are listed; empty for none. */
  readonly pair: readonly string[];
}

const layouts: readonly string[] = ['zones', 'force', 'ring', 'hops'];
const edgeModes: readonly string[] = ['focus', 'tree', 'all'];
const modes: readonly string[] = ['messages', 'search', 'lookup', 'mesh'];
const defaults: UrlState = {
  peer: '',
  find: '',
  past: '',
  layout: 'zones',
  edges: 'focus',
  sort: 'name',
  mode: 'messages',
  topic: '',
  ask: '',
  open: [],
  pair: [],
};

/** The view in the address, and a function that changes it in place. Unknown values fall back to the default. */
export function useUrlState(): [UrlState, (change: Partial<UrlState>) => void] {
  const parameters = useSearchParams();
  const layout = parameters.get('layout') ?? '';
  const edges = parameters.get('edges') ?? '';
  const past = parameters.get('past') ?? '';
  const mode = parameters.get('mode') ?? '';
  const opened = parameters.get('open') ?? '';
  const open = useMemo(() => zonesOf(opened), [opened]);
  const paired = parameters.get('pair') ?? '';
  const pair = useMemo(() => zonesOf(paired), [paired]);
  const state: UrlState = {
    peer: parameters.get('peer') ?? '',
    find: parameters.get('find') ?? '',
    past: /^\d{1,15}$/.test(past) ? past : '',
    layout: layouts.includes(layout) ? (layout as UrlState['layout']) : defaults.layout,
    edges: edgeModes.includes(edges) ? (edges as UrlState['edges']) : defaults.edges,
    sort: parameters.get('sort') ?? defaults.sort,
    mode: modes.includes(mode) ? (mode as UrlState['mode']) : defaults.mode,
    topic: parameters.get('topic') ?? '',
    ask: parameters.get('ask') ?? '',
    open,
    pair,
  };
  const change = useCallback((wanted: Partial<UrlState>) => {
    // From the address and not from this render: two changes in one event must not undo each other.
    const next = new URLSearchParams(window.location.search);
    for (const [name, wish] of Object.entries(wanted)) {
      const value = typeof wish === 'string' ? wish : wish.map(encoded).join(',');
      if (value === defaults[name as keyof UrlState] || value === '') next.delete(name);
      else next.set(name, value);
    }
    const query = next.toString();
    window.history.replaceState(null, '', query === '' ? window.location.pathname : `?${query}`);
  }, []);
  return [state, change];
}

/** The address of another page with the same selection, find expression and moment. */
export function hrefWith(path: string, { peer, find, past }: UrlState): string {
  const parameters = new URLSearchParams();
  if (peer !== '') parameters.set('peer', peer);
  if (find !== '') parameters.set('find', find);
  if (past !== '') parameters.set('past', past);
  const query = parameters.toString();
  return query === '' ? path : `${path}?${query}`;
}

/** Names separated by commas; a comma within one is escaped. The zone of peers that name none is `-`. */
function zonesOf(text: string): string[] {
  return text === '' ? [] : text.split(',').map(decoded);
}

function encoded(zone: string): string {
  if (zone === '') return '-';
  return zone === '-' ? '%2D' : encodeURIComponent(zone);
}

function decoded(text: string): string {
  if (text === '-') return '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
