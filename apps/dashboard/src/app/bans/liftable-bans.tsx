'use client';

import { type ReactNode, useState } from 'react';
import { BansView } from '../../features/bans/bans-view.tsx';
import { ActionDialog } from '../../features/peers/action-dialog.tsx';
import { useLiveFeed } from '../../feed/feed-provider.tsx';
import { shortId } from '../../ui/format.ts';

/** The bans, and the dialog that lifts one. `asksToken`: whether the mesh asks for tokens. */
export function LiftableBans({ asksToken }: { readonly asksToken: boolean }): ReactNode {
  const { picture } = useLiveFeed();
  const [lifted, setLifted] = useState('');
  // Anew after each, so that what was done is asked for at once.
  const [rounds, setRounds] = useState(0);
  const nameOf = (peer: string): string => picture.peers.get(peer)?.peer.name ?? '';
  return (
    <>
      <BansView onLift={setLifted} cue={rounds} />
      {lifted !== '' && (
        <ActionDialog
          action="unban"
          peer={{ id: lifted, name: nameOf(lifted) }}
          others={picture.peers.size - (picture.peers.has(lifted) ? 1 : 0)}
          asksToken={asksToken}
          nameOf={(peer) => nameOf(peer) || shortId(peer)}
          onClose={() => {
            setLifted('');
            setRounds(rounds + 1);
          }}
        />
      )}
    </>
  );
}
