import type { ReactNode } from 'react';
import { Notice } from '../ui/notice.tsx';

export default function Loading(): ReactNode {
  return (
    <main id="content" className="content">
      <Notice tone="busy" title="Opening" />
    </main>
  );
}
