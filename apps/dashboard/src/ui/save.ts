/** Hands a file to the browser's downloads. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The click has started the download; the browser holds what it needs.
  URL.revokeObjectURL(url);
}

/** `starling-2026-11-25T03-00-00.json`: sorts by time, and no file system objects to it. */
export function fileName(at: number, extension: string): string {
  return `starling-${new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')}.${extension}`;
}
