'use client';

import { type ReactNode, useId } from 'react';

/** One choice out of a few, all visible: radio buttons with the looks of a switch. */
export function Segments<T extends string>(properties: {
  readonly label: string;
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    readonly hint?: string;
    readonly isDisabled?: boolean;
  }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): ReactNode {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend>{properties.label}</legend>
      {properties.options.map(({ value, label, hint, isDisabled = false }) => (
        <label key={value} title={hint} data-checked={value === properties.value} data-disabled={isDisabled}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === properties.value}
            disabled={isDisabled}
            onChange={() => properties.onChange(value)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
