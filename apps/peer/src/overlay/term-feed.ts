import { defaultMeshConfig } from '@starling/mesh';
import type { LocalIndex } from '../search/local-index.ts';
import type { MeshPort } from './mesh-port.ts';

/** Of the time, reading the index's words takes this share at most: a large index tells its changes less often. (guess) */
const readingShare = 0.05;

/** Tells the mesh what words the local index has, when the mesh asks, and that they have changed. */
export class TermFeed {
  readonly #mesh: MeshPort;
  readonly #index: LocalIndex;
  #isStarted = false;
  #isReading = false;
  /** Asked while it was reading, or pausing after that. */
  #isAskedAgain = false;

  constructor(mesh: MeshPort, index: LocalIndex) {
    this.#mesh = mesh;
    this.#index = index;
    mesh.on((event) => {
      if (event.kind === 'indexSnapshot') void this.#tell();
    });
  }

  /** From now on the mesh knows that there is an index. */
  start(): void {
    this.#isStarted = true;
    this.changed();
  }

  changed(): void {
    if (this.#isStarted) this.#mesh.command({ kind: 'indexChanged' });
  }

  async #tell(): Promise<void> {
    if (this.#isReading) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isReading = true;
    const begun = this.#mesh.now();
    try {
      const terms = await this.#index.terms(defaultMeshConfig.summaries.termsMax);
      this.#mesh.command({ kind: 'indexTerms', ...terms });
    } catch {
      // The index says in the log what is wrong with it; what was told of it before still stands.
    }
    const pauseMs = (this.#mesh.now() - begun) * (1 / readingShare - 1);
    setTimeout(() => {
      this.#isReading = false;
      if (!this.#isAskedAgain) return;
      this.#isAskedAgain = false;
      void this.#tell();
    }, pauseMs).unref();
  }
}
