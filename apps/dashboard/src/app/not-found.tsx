import Link from 'next/link';
import type { ReactNode } from 'react';
import { Notice } from '../ui/notice.tsx';

export default function NotFound(): ReactNode {
  return (
    <main id="content" className="content">
      <Notice tone="calm" title="No such page">
        <p>The address is wrong, or of another version of this dashboard.</p>
        <p>
          <Link href="/">To the topology</Link>
        </p>
      </Notice>
    </main>
  );
}
