import type { ReactNode } from 'react';
import styles from './console.module.css';

/** One thing to try: its form, and what comes of it beside. It stays as it is, and goes on, while another is shown. */
export function Mode(properties: {
  readonly isShown: boolean;
  readonly form: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className={styles.mode} hidden={!properties.isShown}>
      <div className={styles.column}>{properties.form}</div>
      <div className={styles.beside}>{properties.children}</div>
    </div>
  );
}
