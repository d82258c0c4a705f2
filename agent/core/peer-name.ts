/**
 * Which peer a person means by what was typed: a name as `peers` shows it, or the beginning of an id.
 *
 * Names are claimed by their owners, so two peers may carry one; then nothing is guessed and both ids are named.
 */
import { PotluckError } from '../../protocol/errors.js';
import { isPeerIdPrefix, type PeerId, peerIdShort } from '../../protocol/ids.js';

export interface NamedPeer {
  readonly id: PeerId;
  readonly name: string;
}

/** @throws PotluckError PEER_UNKNOWN, PEER_AMBIGUOUS */
export function resolvePeer(typed: string, peers: readonly NamedPeer[]): PeerId {
  const wanted = typed.trim();
  const exact = peers.filter((peer) => peer.name === wanted);
  const alike = exact.length > 0 ? exact : peers.filter((peer) => fold(peer.name) === fold(wanted));
  const found = alike.length > 0 ? alike : peers.filter((peer) => isPeerIdPrefix(wanted, peer.id));
  const [first] = found;
  if (first === undefined) {
    throw new PotluckError('PEER_UNKNOWN', `${wanted}: no coworker has this name or id`, { hint: 'potluck peers' });
  }
  if (found.length > 1) {
    const ids = found.map((peer) => peerIdShort(peer.id)).join(' and ');
    throw new PotluckError('PEER_AMBIGUOUS', `${wanted}: ${found.length} coworkers are meant by this: ${ids}`, {
      hint: 'type the beginning of the id',
    });
  }
  return first.id;
}

function fold(name: string): string {
  return name.normalize('NFKC').toLocaleLowerCase('en');
}
