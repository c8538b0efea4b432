import { type Aggregate, type AttributeValue, compare, rowLimits } from '@starling/query';
import type { Measure } from './plan.ts';
import { Sketch, type SketchData } from './sketch.ts';

/** What a group knows of one field, as it travels. */
export interface CellData {
  /** Values. */
  readonly count: number;
  /** Of numbers; 0 for texts. */
  readonly sum: number;
  /** Of numbers; 0 for texts, and without values. */
  readonly min: number;
  readonly max: number;
  /** The least and the greatest text; empty for numbers. */
  readonly least: string;
  readonly most: string;
  /** Null: no quantile is wanted. */
  readonly sketch: SketchData | null;
}

/** Numbers, tags and lengths. */
const cellBytes = 48;
const binBytes = 5;

/** Adds up the values of one field in one group. */
export class Cell {
  readonly #measure: Measure;
  readonly #sketch: Sketch | null;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #least: string | null = null;
  #most: string | null = null;

  constructor(measure: Measure, binsMax: number) {
    this.#measure = measure;
    this.#sketch = measure.hasSketch ? new Sketch(binsMax) : null;
  }

  /**
   * About how many bytes it takes on a link. It never shrinks when more is added, whatever the texts are: groups are cut by it,
   * and who is cut must not depend on the order of merges.
   */
  get bytes(): number {
    return cellBytes + binBytes * (this.#sketch?.bins ?? 0) + (this.#measure.isText ? 2 * rowLimits.textCharsMax : 0);
  }

  /** A peer's value; undefined: it does not know. */
  add(value: AttributeValue | undefined): void {
    if (value === undefined) return;
    if (typeof value === 'string') this.#addTexts(1, value, value);
    else for (const amount of typeof value === 'number' ? [value] : value) this.#addAmount(amount);
  }

  merge({ count, sum, min, max, least, most, sketch }: CellData): void {
    if (count === 0) return;
    if (this.#measure.isText) this.#addTexts(count, least, most);
    else {
      this.#count += count;
      this.#sum += sum;
      this.#min = Math.min(this.#min, min);
      this.#max = Math.max(this.#max, max);
      if (sketch !== null) this.#sketch?.merge(sketch);
    }
  }

  data(): CellData {
    const isNumber = this.#count > 0 && !this.#measure.isText;
    return {
      count: this.#count,
      sum: this.#sum,
      min: isNumber ? this.#min : 0,
      max: isNumber ? this.#max : 0,
      least: this.#least ?? '',
      most: this.#most ?? '',
      sketch: this.#sketch?.data() ?? null,
    };
  }

  /** Null: there is no value to say it of. */
  result(aggregate: Aggregate): number | string | null {
    if (aggregate.kind === 'count') return this.#count;
    if (aggregate.kind === 'sum') return this.#sum;
    if (this.#count === 0) return null;
    switch (aggregate.kind) {
      case 'min':
        return this.#measure.isText ? this.#least : this.#min;
      case 'max':
        return this.#measure.isText ? this.#most : this.#max;
      case 'avg':
        return this.#sum / this.#count;
      case 'quantile':
        // What is known exactly bounds what is estimated.
        return Math.min(this.#max, Math.max(this.#min, this.#sketch?.quantile(aggregate.q) ?? Number.NaN));
    }
  }

  #addAmount(amount: number): void {
    this.#count++;
    this.#sum += amount;
    this.#min = Math.min(this.#min, amount);
    this.#max = Math.max(this.#max, amount);
    this.#sketch?.add(amount);
  }

  #addTexts(count: number, least: string, most: string): void {
    const { field } = this.#measure;
    this.#count += count;
    if (this.#least === null || isBefore(field, least, this.#least)) this.#least = least;
    if (this.#most === null || isBefore(field, this.#most, most)) this.#most = most;
  }
}

/** Of two spellings of one version the one whose text comes first, so that the order of merges does not matter. */
function isBefore(field: Measure['field'], a: string, b: string): boolean {
  const difference = compare(field, a, b);
  return difference < 0 || (difference === 0 && a < b);
}
