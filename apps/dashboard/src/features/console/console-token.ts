/** Where the token lies: in this tab alone, until it is closed; never in a URL, a cookie or what survives the tab. */
const key = 'starling-console-token';

/** The token that the person at the console entered; empty: none. */
export function consoleToken(): string {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    // Storage may be forbidden; the console then works where no token is asked for.
    return '';
  }
}

/** What spaces a copied line has around it is no part of a token. */
export function setConsoleToken(token: string): void {
  try {
    if (token.trim() === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, token.trim());
  } catch {
    // As above.
  }
}
