/**
 * The door through which coworkers' requests and notes come in: the schema first, then access, then the feature.
 *
 * A share that the asker may not see is answered exactly like one that does not exist. SPEC.md, "Methods".
 */
import * as v from 'valibot';
import { mayPrint, mayRead, mayTouchJob } from '../core/access.js';
import type { HandleNote, HandleRequest } from '../net/requests.js';
import type { LocalPrinter } from '../printing/local-printers.js';
import type { Printing } from '../printing/printing.js';
import type { LocalShare, LocalShares } from '../shares/local-shares.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId, PrinterId, ShareId } from '../../protocol/ids.js';
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
  readonly printing: PrintDoor;
  /** This PC, which may look at everything that it shares itself. */
  readonly self: PeerId;
}

/** What of printing coworkers reach. */
export interface PrintDoor {
  readonly printers: Pick<Printing['printers'], 'shared' | 'byId' | 'countShared'>;
  readonly spooler: Pick<Printing['spooler'], 'jobFacts' | 'offer' | 'commit' | 'cancel' | 'states'>;
  onReport: Printing['onReport'];
  peerChanged: Printing['peerChanged'];
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
export function peerRequests(options: PeerApiOptions): HandleRequest {
  const answers: Answers = { ...shareAnswers(options), ...printAnswers(options) };
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

function shareAnswers({ shares, self }: PeerApiOptions): Answers {
  const allowed = (peer: PeerId, id: ShareId): LocalShare => {
    const share = shares.get(id);
    const isAllowed = share !== null && (peer === self || mayRead(peer, share));
    if (!isAllowed) throw new PotluckError('SHARE_UNKNOWN', 'there is no such share');
    return share;
  };
  return {
    'shares.list': (peer) => {
      const seen = peer === self ? shares.list() : sharesFor(shares, peer);
      return { shares: seen.map(({ id, name, writable }) => ({ id, name, writable })) };
    },
    'shares.browse': (peer, { share, path, cursor, limit }, signal) =>
      shares.browse(allowed(peer, share), path, cursor, limit, signal),
    'shares.stat': (peer, { share, path }) => shares.stat(allowed(peer, share), path),
    'content.describe': (peer, { share, paths }, signal, progress) =>
      shares.describe(allowed(peer, share), paths, progress, signal),
  };
}

function printAnswers({ printing: { printers, spooler }, self }: PeerApiOptions): Answers {
  const isOffered = (peer: PeerId, printer: LocalPrinter): boolean => peer === self || mayPrint(peer, printer);
  const mustOffer = (peer: PeerId, id: PrinterId): void => {
    const printer = printers.byId(id);
    if (printer === null || !isOffered(peer, printer)) {
      throw new PotluckError('PRINTER_UNKNOWN', 'there is no such printer');
    }
  };
  const mustOwn = (peer: PeerId, id: JobId): void => {
    const job = spooler.jobFacts(id);
    if (job === null || !mayTouchJob(peer, job)) throw new PotluckError('JOB_UNKNOWN', 'there is no such job');
  };
  return {
    'printers.list': async (peer, _input, signal) => ({
      printers: await printers.shared((printer) => mayPrint(peer, printer), signal),
    }),
    'job.offer': (peer, offer, signal) => {
      // A job that was taken is answered for also when its printer is no longer shared.
      const known = spooler.jobFacts(offer.job);
      if (known === null || !mayTouchJob(peer, known)) mustOffer(peer, offer.printer);
      return spooler.offer(peer, offer, signal);
    },
    'job.commit': async (peer, { job }) => {
      mustOwn(peer, job);
      return { report: await spooler.commit(job) };
    },
    'job.cancel': async (peer, { job }, signal) => {
      mustOwn(peer, job);
      return { report: await spooler.cancel(job, 'requester', signal) };
    },
    'job.states': (peer, { jobs }) => ({ reports: spooler.states(peer, jobs) }),
  };
}

/** @returns what the network floor calls for each note of a coworker; it ends the link on BAD_MESSAGE */
export function peerNotes({ printing }: PeerApiOptions): HandleNote {
  return (peer, note, body) => {
    if (!Object.hasOwn(PEER_NOTES, note)) return;
    const read = v.safeParse(PEER_NOTES[note as PeerNote], body);
    if (!read.success) throw new PotluckError('BAD_MESSAGE', `a ${note} is malformed`);
    if (note === 'job.report') printing.onReport(peer, read.output as PeerNoteBody<'job.report'>);
    if (note === 'peer.changed' && (read.output as PeerNoteBody<'peer.changed'>).what === 'printers') {
      printing.peerChanged(peer);
    }
  };
}

/** The shares that a coworker may see. */
export function sharesFor(shares: LocalShares, peer: PeerId): LocalShare[] {
  return shares.list().filter((share) => mayRead(peer, share));
}

/** How many of this PC's printers a coworker may print on. */
export function countPrintersFor(printing: PrintDoor, peer: PeerId): number {
  return printing.printers.countShared((printer) => mayPrint(peer, printer));
}

/** May the peer print on this printer now? For jobs that were taken before. */
export function mayStillPrint(printing: PrintDoor): (peer: PeerId, printer: PrinterId) => boolean {
  return (peer, id) => {
    const printer = printing.printers.byId(id);
    return printer !== null && mayPrint(peer, printer);
  };
}
