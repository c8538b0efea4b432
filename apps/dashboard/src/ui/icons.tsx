import type { ReactNode } from 'react';

const paths = {
  topology:
    'M5 5.5 11 4M5 6.5l6 6M12 5.5v6M3.5 4a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM12 2.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM12 11a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3Z',
  peers: 'M2 4h12M2 8h12M2 12h12',
  zones: 'M2.5 2.5h11v11h-11ZM2.5 6.2h11M2.5 9.800h11M6.200 2.500v11M9.800 2.500v11',
  traffic: 'M1.5 10 5 6l3 4 3-7 3.5 7',
  bans: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM3.800 3.800l8.400 8.400',
  console: 'm2.5 4 4 4-4 4M8.5 12h5',
  find: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.5 10.5 14 14',
  system: 'M2.5 3h11v7.5h-11ZM6 13.5h4M8 10.5v3',
  light: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  dark: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z',
  help: 'M5.8 6a2.3 2.3 0 1 1 3.4 2c-.8.5-1.2.9-1.2 1.8M8 12.3v.2',
  close: 'm3.5 3.5 9 9M12.5 3.5l-9 9',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  picture: 'M2.5 3h11v10h-11ZM2.5 11l3.500-3.500 2.500 2.500 2-2 3 3M10.5 5.500v.01',
  save: 'M8 2v7.500M4.500 6.500 8 10l3.500-3.500M2.500 13.500h11',
  past: 'M8 4v4l2.500 1.500M2.500 8a5.500 5.500 0 1 0 1.600-3.900L2.500 5.500M2.500 2.500v3h3',
  back: 'M10 3.500 5.500 8l4.500 4.500',
  forward: 'M6 3.500 10.500 8 6 12.500',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  open: 'm6 3.500 4.500 4.500L6 12.500',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
} as const;

/** One line-drawn icon; decoration only, so its button carries the words. */
export function Icon({ name }: { readonly name: keyof typeof paths }): ReactNode {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The mark: three birds of one flock. */
export function Mark(): ReactNode {
  return (
    <svg
      className="mark"
      viewBox="0 0 24 24"
      width="22"
      height="22"
      fill="none"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M2.5 9.5C5 6.5 7.5 7 9 10c1.5-3 4-3.5 6.5-.5" />
      <path d="M11 16.5c1.7-2 3.400-1.7 4.5.3 1-2 2.800-2.300 4.5-.3" />
      <path d="M15.5 5.200c1.200-1.400 2.300-1.200 3 .2.7-1.400 1.800-1.600 3-.2" />
    </svg>
  );
}
