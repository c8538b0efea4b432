import { open } from 'node:fs/promises';

/** Reads a text file of at most `bytesMax`. Rejects with the system's error, or when it is larger. */
export async function readBounded(path: string, bytesMax: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(bytesMax + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.toString('utf8', 0, length);
      length += bytesRead;
      if (length > bytesMax) throw new Error(`${path} is larger than ${bytesMax} bytes`);
    }
  } finally {
    await file.close();
  }
}
