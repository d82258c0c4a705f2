/**
 * The door through which coworkers' requests and notes come in: the schema first, then access, then the feature.
 *
 * A share that the asker may not see is answered exactly like one that does not exist. SPEC.md, "Methods".
 */
import * as v from 'valibot';
import { mayRead } from '../core/access.js';
import type { HandleNote, HandleRequest } from '../net/requests.js';
import type { LocalShare, LocalShares } from '../shares/local-shares.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId, ShareId } from '../../protocol/ids.js';
import {
  type OnProgress,
  PEER_METHODS,
  PEER_NOTES,
  type PeerMethod,
  type PeerNote,
  type PeerNoteBody,
  type PeerReply,
  type PeerRequest,
} from '../../protocol/peer/messages.js';

export interface PeerApiOptions {
  readonly shares: LocalShares;
  /** This PC, which may look at everything that it shares itself. */
  readonly self: PeerId;
  /** A coworker's shares or printers changed. */
  readonly onChanged: (peer: PeerId, what: 'shares' | 'printers') => void;
}

/** Answers one method; its input has passed the schema. */
type Answer<M extends PeerMethod> = (
  peer: PeerId,
  input: PeerRequest<M>,
  signal: AbortSignal,
  progress: OnProgress,
) => PeerReply<M> | Promise<PeerReply<M>>;

type Answers = { readonly [M in PeerMethod]?: Answer<M> };

/** @returns what the network floor calls for each request of a coworker */
export function peerRequests({ shares, self }: PeerApiOptions): HandleRequest {
  const allowed = (peer: PeerId, id: ShareId): LocalShare => {
    const share = shares.get(id);
    const isAllowed = share !== null && (peer === self || mayRead(peer, share));
    if (!isAllowed) throw new PotluckError('SHARE_UNKNOWN', 'there is no such share');
    return share;
  };
  const answers: Answers = {
    'shares.list': (peer) => ({
      shares: (peer === self ? shares.list() : sharesFor(shares, peer)).map(({ id, name, writable }) => ({
        id,
        name,
        writable,
      })),
    }),
    'shares.browse': (peer, { share, path, cursor, limit }, signal) =>
      shares.browse(allowed(peer, share), path, cursor, limit, signal),
    'shares.stat': (peer, { share, path }) => shares.stat(allowed(peer, share), path),
    'content.describe': (peer, { share, paths }, signal, progress) =>
      shares.describe(allowed(peer, share), paths, progress, signal),
  };
  return async (peer, method, body, signal, progress) => {
    if (!Object.hasOwn(answers, method)) throw new PotluckError('UNSUPPORTED', 'this PC does not know this request');
    const known = method as PeerMethod;
    const read = v.safeParse(PEER_METHODS[known].input, body);
    if (!read.success) throw new PotluckError('BAD_MESSAGE', `a ${known} is malformed`);
    const answer = answers[known] as (
      peer: PeerId,
      input: unknown,
      signal: AbortSignal,
      progress: OnProgress,
    ) => unknown;
    return answer(peer, read.output, signal, progress);
  };
}

/** @returns what the network floor calls for each note of a coworker; it ends the link on BAD_MESSAGE */
export function peerNotes({ onChanged }: PeerApiOptions): HandleNote {
  return (peer, note, body) => {
    if (!Object.hasOwn(PEER_NOTES, note)) return;
    const read = v.safeParse(PEER_NOTES[note as PeerNote], body);
    if (!read.success) throw new PotluckError('BAD_MESSAGE', `a ${note} is malformed`);
    if (note === 'peer.changed') onChanged(peer, (read.output as PeerNoteBody<'peer.changed'>).what);
  };
}

/** The shares that a coworker may see. */
export function sharesFor(shares: LocalShares, peer: PeerId): LocalShare[] {
  return shares.list().filter((share) => mayRead(peer, share));
}
