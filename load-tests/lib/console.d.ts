/** k6 has a console, but its types leave it to those of the DOM, which k6 has not. */
declare const console: { error(text: string): void };
