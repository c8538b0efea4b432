'use client';

import type { ReactNode } from 'react';
import { PageErrorNotice } from '../ui/page-error.tsx';
import './globals.css';

/** The frame itself broke: nothing of it can be relied on, so this is a document of its own, in the system's colours. */
export default function FrameError(properties: { readonly error: Error; readonly reset: () => void }): ReactNode {
  return (
    <html lang="en" data-theme="system">
      <body>
        <title>Starling: this page broke</title>
        <main id="content" className="shell">
          <h1 className="visually-hidden">Starling</h1>
          <PageErrorNotice {...properties} />
        </main>
      </body>
    </html>
  );
}
