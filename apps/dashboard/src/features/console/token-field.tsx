'use client';

import { type ReactNode, useEffect, useState } from 'react';
import styles from './console.module.css';
import { consoleToken, setConsoleToken } from './console-token.ts';

/** Asks for a token of the person's own: this dashboard has one that lets it look, and no more. */
export function TokenField({ hint }: { readonly hint: string }): ReactNode {
  const [token, setToken] = useState('');
  // After the first paint: the server that renders the page has no session of this tab.
  useEffect(() => setToken(consoleToken()), []);
  return (
    <form className={styles.access} aria-label="Access" autoComplete="off" onSubmit={(event) => event.preventDefault()}>
      <label className={styles.inline}>
        Your token
        <input
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="starling_client_…"
          value={token}
          onChange={(event) => {
            setToken(event.target.value);
            setConsoleToken(event.target.value);
          }}
        />
      </label>
      <p>
        {token !== '' ? 'Kept in this tab until it is closed.' : 'The mesh wants to know who asks.'}
        {token === '' && hint !== '' && (
          <>
            {' '}
            The token for a client is in <code>{hint}</code>.
          </>
        )}
      </p>
    </form>
  );
}
