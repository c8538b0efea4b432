/** What the viewer chose; `system` follows the operating system. */
export type ThemeChoice = 'system' | 'light' | 'dark';

/** A cookie and not local storage: the server writes the theme into the first byte of the page, so that none flashes. */
export const themeCookie = 'starling-theme';

/** Reads a stored choice; anything unknown is `system`. */
export function themeChoice(stored: string | undefined): ThemeChoice {
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}
