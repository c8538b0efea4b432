'use client';

import type { ReactNode } from 'react';
import { Notice } from '../ui/notice.tsx';

export default function PageError(properties: { readonly error: Error; readonly reset: () => void }): ReactNode {
  return (
    <main id="content" className="content">
      <Notice tone="alarm" title="This page broke">
        <p>The mesh is not affected. What happened:</p>
        <p className="notice-detail">
          <code>{properties.error.message}</code>
        </p>
        <button type="button" className="button button-primary" onClick={properties.reset}>
          Try again
        </button>
      </Notice>
    </main>
  );
}
