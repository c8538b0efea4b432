'use client';

import type { ReactNode } from 'react';
import { PageErrorNotice } from '../ui/page-error.tsx';

/** A page that broke, inside of the frame that did not. */
export default function PageError(properties: { readonly error: Error; readonly reset: () => void }): ReactNode {
  return (
    <main id="content" className="content">
      <PageErrorNotice {...properties} />
    </main>
  );
}
