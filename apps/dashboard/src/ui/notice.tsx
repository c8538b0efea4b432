import type { ReactNode } from 'react';

/** A designed state in place of content: what is the matter, what it means, what to do. */
export function Notice(properties: {
  readonly tone: 'calm' | 'busy' | 'alarm';
  readonly title: string;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <div className={`notice notice-${properties.tone}`} role={properties.tone === 'alarm' ? 'alert' : 'status'}>
      <div className="notice-flock" aria-hidden="true">
        {Array.from({ length: 9 }, (_, i) => (
          // The birds never change places.
          // biome-ignore lint/suspicious/noArrayIndexKey: a fixed picture
          <i key={i} />
        ))}
      </div>
      <h2>{properties.title}</h2>
      <div className="notice-body">{properties.children}</div>
    </div>
  );
}
