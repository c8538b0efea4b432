import { expect, test } from 'vitest';
import { enumNames, UnknownValueError } from './enum-names.ts';

test('words and numbers: of a list those that have a word, each once', () => {
  const names = enumNames<'one' | 'two', number>({ one: 1, two: 2 });
  expect(names.toProto('two')).toBe(2);
  expect(names.fromProto(1)).toBe('one');
  expect(() => names.fromProto(3)).toThrow(UnknownValueError);
  expect(names.known([2, 0, 3, 2, 1])).toEqual(['two', 'one']);
});
