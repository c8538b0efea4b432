/** How a command prints: a table for people, or JSON for programs (one document, or one a line where it streams). */
export type Format = 'table' | 'json';

/** Rows under headings, padded; the last column is not. Control characters of foreign text are shown, not sent to the terminal. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Text that cannot move the cursor, colour the screen, hide what follows or begin a line that looks like another message. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `1 hit`, `2 hits`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** JSON with 64-bit numbers as strings, as protobuf's JSON has them. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, entry) => (typeof entry === 'bigint' ? String(entry) : entry), indent);
}

/** Bytes as text where they are valid UTF-8, else as base64. */
export function payloadText(payload: Uint8Array): { readonly text: string; readonly encoding: 'utf8' | 'base64' } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(payload), encoding: 'utf8' };
  } catch {
    return { text: Buffer.from(payload).toString('base64'), encoding: 'base64' };
  }
}

/** A peer id short enough for a table, long enough to tell peers apart. */
export function shortId(id: string): string {
  return id.slice(0, 10);
}
