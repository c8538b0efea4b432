'use client';

import type { ReactNode } from 'react';
import { FindingsBar } from '../features/findings/findings-bar.tsx';
import { PastBar } from '../features/past/past-bar.tsx';
import type { FailedTry, Trouble, UpstreamStatus } from '../feed/feed-event.ts';
import { useFeed } from '../feed/feed-provider.tsx';
import { freshnessOf } from '../feed/freshness.ts';
import { formatAge, formatTime } from './format.ts';
import { Notice } from './notice.tsx';
import { useNow } from './use-now.ts';

/** Shows a page once there is a mesh to show, and before that says what is missing; over old data it hangs a sign. */
export function MeshGate({ children }: { readonly children: ReactNode }): ReactNode {
  const feed = useFeed();
  const now = useNow();
  const { state, ageSeconds, reason } = freshnessOf(feed, now);
  if (state === 'loading') return <Notice tone="busy" title="Looking for the mesh" />;
  if (state === 'empty') {
    if (feed.isUnreadable) {
      return (
        <Notice tone="alarm" title="This page and the dashboard’s server differ in version">
          <p>The dashboard was upgraded while this page was open. The mesh is not affected.</p>
          <button type="button" className="button button-primary" onClick={() => window.location.reload()}>
            Reload
          </button>
        </Notice>
      );
    }
    if (feed.status === null) {
      return (
        <Notice tone="alarm" title="The dashboard’s server does not answer">
          <p>It is tried again every few seconds. The mesh does not need it, and is not affected.</p>
        </Notice>
      );
    }
    return <NoPeer status={feed.status} />;
  }
  if (feed.picture.peers.size === 0) {
    return (
      <Notice tone="calm" title="The mesh is empty">
        <p>A peer answers but knows of none, not even itself. It is probably starting.</p>
      </Notice>
    );
  }
  return (
    <>
      {state === 'stale' && (
        <div className="stale-banner" data-testid="stale">
          <p>
            {/* The age ticks: said once by the alert, shown for the eye alone. */}
            <span role="alert">
              <b>Not up to date.</b> {reason}.
            </span>{' '}
            <span aria-hidden="true">
              What you see is {formatAge(ageSeconds * 1_000)} old, of {formatTime(feed.heardAt)}.
            </span>
          </p>
        </div>
      )}
      <PastBar />
      <div className="aged" data-state={state}>
        <FindingsBar isOld={state === 'stale'} />
        <div className="gate">{children}</div>
      </div>
    </>
  );
}

const titles: Readonly<Record<Trouble, string>> = {
  'bad-address': 'No peer can be found by these addresses',
  unreachable: 'No peer answers yet',
  tls: 'The peer and the dashboard do not agree on encryption',
  refused: 'The peer does not let the dashboard watch',
  'not-a-peer': 'Something answers, but it is no peer',
  broken: 'The peer ends the stream',
  silent: 'The peer takes the connection and says nothing',
};

const advice: Readonly<Record<Trouble, ReactNode>> = {
  'bad-address': (
    <>
      Look at <code>STARLING_PEERS</code>: addresses are <code>host:port</code>, of the peers’ API (7401), separated by
      commas.
    </>
  ),
  unreachable: (
    <>
      Start a mesh with <code>npm start</code>, or name its peers in <code>STARLING_PEERS</code>. In a cluster: are the
      pods ready, and does a NetworkPolicy let the dashboard reach port 7401?
    </>
  ),
  tls: (
    <>
      The dashboard’s server trusts the authorities in the file that <code>STARLING_CA_FILE</code> names, and does not
      encrypt without one. Is it that of this mesh, and are the peers’ certificates still good?{' '}
      <code>starling doctor</code> says more.
    </>
  ),
  refused: (
    <>
      The dashboard’s server looks with a viewer’s token, from the file that <code>STARLING_TOKEN_FILE</code> names. Is
      it there, and of this mesh? A new one is read at the next try.
    </>
  ),
  'not-a-peer': (
    <>
      Is this the port of the API (7401), and not of links (7400) or HTTP (7402)? Does the peer run a version that this
      dashboard knows?
    </>
  ),
  broken: <>The peer’s log says why. Another one is tried as well, if there is one.</>,
  silent: <>Its process hangs, or a firewall swallows what it says. Restart it, or name another peer.</>,
};

/** What stands in the way is shown by what is nearest to success: a peer that refuses says more than one that is not there. */
const nearest: readonly Trouble[] = ['refused', 'tls', 'silent', 'broken', 'not-a-peer', 'unreachable', 'bad-address'];

function NoPeer({ status }: { readonly status: UpstreamStatus }): ReactNode {
  const trouble = nearest.find((kind) => status.tries.some((failed) => failed.trouble === kind)) ?? 'unreachable';
  const left = status.addresses - status.tries.length;
  return (
    <Notice tone={trouble === 'unreachable' ? 'calm' : 'alarm'} title={titles[trouble]}>
      <p>{advice[trouble]}</p>
      <ul className="tries" aria-label="Addresses tried">
        {status.tries.map((failed: FailedTry) => (
          <li key={failed.address}>
            <code>{failed.address}</code> {failed.message}
          </li>
        ))}
        {left > 0 && <li>and {left} more</li>}
      </ul>
      <p className="notice-detail">They are tried again and again; this page fills itself as soon as one answers.</p>
    </Notice>
  );
}
