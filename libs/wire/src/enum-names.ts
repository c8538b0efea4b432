/** Thrown inside this package for an enum value of a later version: its message is ignored and counted, not held against the sender. */
export class UnknownValueError extends Error {
  override readonly name = 'UnknownValueError';
}

/** A two-way table between the words of a core and the numbers of an enum. */
export interface EnumNames<Name extends string, Value extends number> {
  toProto(name: Name): Value;
  /** Throws `UnknownValueError` for a number without a word: UNSPECIFIED, or one of a later version. */
  fromProto(value: number): Name;
  /** Those that have a word, each once. */
  known(values: readonly number[]): Name[];
}

export function enumNames<Name extends string, Value extends number>(
  values: Readonly<Record<Name, Value>>,
): EnumNames<Name, Value> {
  const names = new Map<number, Name>();
  for (const name of Object.keys(values) as Name[]) names.set(values[name], name);
  return {
    toProto: (name) => values[name],
    fromProto: (value) => {
      const name = names.get(value);
      if (name === undefined) throw new UnknownValueError(`enum value ${value} is unknown`);
      return name;
    },
    known: (values) => [...new Set(values)].flatMap((value) => names.get(value) ?? []),
  };
}
