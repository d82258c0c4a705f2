/**
 * The door through which coworkers' piece connections and streams come in: access, then the feature.
 *
 * Content is served out of shares that the asker may read at that moment, whoever told it the content id.
 * SPEC.md, "Pieces", "Streams".
 */
import { mayRead, mayTouchJob } from '../core/access.js';
import type { PieceSocket } from '../net/piece-socket.js';
import type { ServeStream } from '../net/stream-opening.js';
import type { Printing } from '../printing/printing.js';
import type { LocalShares } from '../shares/local-shares.js';
import type { Uploads } from '../transfer/uploads.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import { nameOf } from '../../protocol/path.js';

export interface StreamApiOptions {
  readonly shares: LocalShares;
  readonly uploads: Uploads;
}

export function pieceDoor({ shares, uploads }: StreamApiOptions): (peer: PeerId, socket: PieceSocket) => void {
  return (peer, socket) => {
    uploads.serve(peer, socket, (content) => {
      const served = shares.openContent(content, (share) => mayRead(peer, share));
      if (served === null) return null;
      const { file, manifest, path, share } = served;
      const isAllowed = (): boolean => {
        const now = shares.get(share.id);
        return now !== null && mayRead(peer, now);
      };
      return { file, manifest, name: nameOf(path), shareName: share.name, isAllowed };
    });
  };
}

/** @returns what the network floor calls for each stream of a coworker */
export function streamDoor(spooler: Pick<Printing['spooler'], 'jobFacts' | 'receive'>): ServeStream {
  return async (peer, { job, offset }, accept) => {
    const facts = spooler.jobFacts(job);
    if (facts === null || !mayTouchJob(peer, facts)) throw new PotluckError('JOB_UNKNOWN', 'there is no such job');
    await spooler.receive(job, offset, accept());
  };
}
