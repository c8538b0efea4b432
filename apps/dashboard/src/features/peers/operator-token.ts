/** In this page's memory alone: gone with a reload, and never in what the browser keeps. */
let token = '';

/** The operator's token that was entered last; empty: none. */
export function operatorToken(): string {
  return token;
}

/** What spaces a copied line has around it is no part of a token. */
export function setOperatorToken(entered: string): void {
  token = entered.trim();
}
