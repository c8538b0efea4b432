'use client';

import { findFields } from '@starling/topology';
import { type ReactNode, useEffect, useRef } from 'react';

const keys = [
  ['/', 'Find peers'],
  ['← → ↑ ↓', 'In the picture: walk to the nearest peer'],
  ['+  −  0', 'In the picture: zoom in, out, fit'],
  ['Tab  Enter', 'Step through buttons, rows and zones; use one'],
  ['Esc', 'Clear the selection; leave the find box'],
  ['?', 'This sheet'],
] as const;

/** The keys, and how to find. */
export function HelpSheet(properties: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (properties.isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [properties.isOpen]);
  return (
    <dialog ref={dialog} className="help" onClose={properties.onClose} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl>
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h2>Find</h2>
      <p>
        A word looks in names, ids and zones. Terms are joined: <code>zone=a health!=healthy rtt&gt;20</code>. Fields
        are {findFields.join(', ')}.
      </p>
      <form method="dialog">
        <button type="submit" className="button">
          Close
        </button>
      </form>
    </dialog>
  );
}
