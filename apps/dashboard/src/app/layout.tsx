import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import { type ReactNode, Suspense } from 'react';
import { ChangesAnnouncer } from '../features/changes/changes-feed.tsx';
import { FeedProvider } from '../feed/feed-provider.tsx';
import { PastProvider } from '../feed/past-provider.tsx';
import { Shell } from '../ui/shell.tsx';
import { themeChoice, themeCookie } from '../ui/theme.ts';
import 'uplot/dist/uPlot.min.css';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Starling', template: '%s · Starling' },
  description: 'The live picture of a Starling mesh',
};

export const viewport: Viewport = { colorScheme: 'light dark' };

export default async function RootLayout({ children }: { readonly children: ReactNode }): Promise<ReactNode> {
  const theme = themeChoice((await cookies()).get(themeCookie)?.value);
  return (
    <html lang="en" data-theme={theme}>
      <body>
        <FeedProvider>
          <Suspense>
            <PastProvider>
              <Shell theme={theme}>{children}</Shell>
              <ChangesAnnouncer />
            </PastProvider>
          </Suspense>
        </FeedProvider>
      </body>
    </html>
  );
}
