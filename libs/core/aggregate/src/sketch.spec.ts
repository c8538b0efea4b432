import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relativeError, Sketch, type SketchData } from './sketch.ts';

const amounts = fc.array(fc.oneof(fc.double({ min: 0, max: 1e12, noNaN: true }), fc.integer({ min: 0, max: 1_000 })), {
  minLength: 1,
  maxLength: 200,
});

function sketchOf(values: readonly number[], binsMax = 4_096): Sketch {
  const sketch = new Sketch(binsMax);
  for (const value of values) sketch.add(value);
  return sketch;
}

function merged(parts: readonly SketchData[], binsMax: number): SketchData {
  const sketch = new Sketch(binsMax);
  for (const part of parts) sketch.merge(part);
  return sketch.data();
}

describe('DDSketch', () => {
  it('"for any q the estimate is within α of the q-quantile" (Proposition 3)', () => {
    fc.assert(
      fc.property(amounts, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.floor(q * (sorted.length - 1))] as number;
        const error = Math.abs(sketchOf(values).quantile(q) - exact);
        expect(error).toBeLessThanOrEqual(relativeError * exact * (1 + 1e-9) + 1e-9);
      }),
    );
  });

  it('"fully mergeable": parts merged in any order are the sketch of all, also when bins collapse', () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, fc.constantFrom(4_096, 8), (a, b, c, binsMax) => {
        const [x, y, z] = [a, b, c].map((part) => sketchOf(part, binsMax).data()) as [
          SketchData,
          SketchData,
          SketchData,
        ];
        const all = sketchOf([...a, ...b, ...c], binsMax).data();
        expect(merged([x, y, z], binsMax)).toEqual(all);
        expect(merged([z, merged([y, x], binsMax)], binsMax)).toEqual(all);
      }),
    );
  });

  it('keeps the highest bins when there are too many, and the count', () => {
    const sketch = sketchOf([1, 10, 100, 1_000, 10_000], 3);
    expect(sketch.bins).toBe(3);
    expect(sketch.count).toBe(5);
    expect(sketch.quantile(1)).toBeCloseTo(10_000, -3);
    expect(sketch.quantile(0)).toBeGreaterThan(90);
  });

  it('has no quantile of nothing', () => {
    expect(new Sketch(8).quantile(0.5)).toBeNaN();
  });
});
