'use client';

import { useEffect, useState } from 'react';

/** The browser's clock, once a second; 0 until the page is alive, so that server and browser render the same. */
export function useNow(): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
