/** How much of the mesh a picture stands for. */
export interface Coverage {
  readonly heard: number;
  readonly known: number;
  readonly isComplete: boolean;
  /** "63 of 64 heard", for people. */
  readonly text: string;
}

/** `known` may be an estimate, and smaller than `heard` while the two are counted at different moments. */
export function coverageOf(heard: number, known: number): Coverage {
  const total = Math.max(heard, known);
  return {
    heard,
    known: total,
    isComplete: total > 0 && heard === total,
    text: total === 0 ? 'no peer known' : `${heard.toLocaleString('en')} of ${total.toLocaleString('en')} heard`,
  };
}
