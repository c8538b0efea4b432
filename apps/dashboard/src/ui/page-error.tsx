'use client';

import { type ReactNode, useEffect, useRef } from 'react';
import { Notice } from './notice.tsx';

/** What went wrong on a page, for a person and for a ticket, and the two things that help. */
export function PageErrorNotice(properties: {
  readonly error: Error & { readonly digest?: string };
  readonly reset: () => void;
}): ReactNode {
  const { error, reset } = properties;
  const again = useRef<HTMLButtonElement>(null);
  // The focus was on something that is no longer there.
  useEffect(() => again.current?.focus(), []);
  return (
    <Notice tone="alarm" title="This page broke">
      <p>Only the page: the mesh is not affected. Other pages may still work.</p>
      <pre className="notice-error">
        {error.message || 'No reason given'}
        {error.digest === undefined ? '' : `\n(${error.digest} in the dashboard’s log)`}
      </pre>
      <div className="notice-actions">
        <button ref={again} type="button" className="button button-primary" onClick={reset}>
          Try again
        </button>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
      <p className="notice-detail">
        After an upgrade of the dashboard a reload helps. If it comes back, report it with the words above.
      </p>
    </Notice>
  );
}
