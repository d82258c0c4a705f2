/**
 * Every request and note between two members, by name: the one table that the sender, the door on the
 * other side and SPEC.md's test read.
 */
import type * as v from 'valibot';
import type { PeerId } from '../ids.js';
import { ContentDescribe, ContentDescribeAnswer } from './content.js';
import { DialBack, DialBackAnswer, PeerAddresses, PeerChanged, PeerInfo } from './info.js';
import {
  JobCancel,
  JobCancelAnswer,
  JobCommit,
  JobCommitAnswer,
  JobOffer,
  JobOfferAnswer,
  JobReport,
  JobStates,
  JobStatesAnswer,
  PrintersList,
  PrintersListAnswer,
} from './printing.js';
import {
  SharesBrowse,
  SharesBrowseAnswer,
  SharesList,
  SharesListAnswer,
  SharesStat,
  SharesStatAnswer,
} from './shares.js';

export const PEER_METHODS = {
  'dial.back': { input: DialBack, output: DialBackAnswer },
  'shares.list': { input: SharesList, output: SharesListAnswer },
  'shares.browse': { input: SharesBrowse, output: SharesBrowseAnswer },
  'shares.stat': { input: SharesStat, output: SharesStatAnswer },
  'content.describe': { input: ContentDescribe, output: ContentDescribeAnswer },
  'printers.list': { input: PrintersList, output: PrintersListAnswer },
  'job.offer': { input: JobOffer, output: JobOfferAnswer },
  'job.commit': { input: JobCommit, output: JobCommitAnswer },
  'job.cancel': { input: JobCancel, output: JobCancelAnswer },
  'job.states': { input: JobStates, output: JobStatesAnswer },
} as const;

export const PEER_NOTES = {
  'peer.info': PeerInfo,
  'peer.addresses': PeerAddresses,
  'peer.changed': PeerChanged,
  'job.report': JobReport,
} as const;

export type PeerMethod = keyof typeof PEER_METHODS;
export type PeerInput<M extends PeerMethod> = v.InferInput<(typeof PEER_METHODS)[M]['input']>;
export type PeerRequest<M extends PeerMethod> = v.InferOutput<(typeof PEER_METHODS)[M]['input']>;
export type PeerAnswer<M extends PeerMethod> = v.InferOutput<(typeof PEER_METHODS)[M]['output']>;
export type PeerReply<M extends PeerMethod> = v.InferInput<(typeof PEER_METHODS)[M]['output']>;

export type PeerNote = keyof typeof PEER_NOTES;
export type PeerNoteBody<N extends PeerNote> = v.InferOutput<(typeof PEER_NOTES)[N]>;

/** Told of a long answer's signs of life; bytes, where the peer counts them. */
export type OnProgress = (done: number | null, total: number | null) => void;

/**
 * Asks a peer; what features are handed to reach the network. The answer has passed its schema.
 * @param signal  withdraws the request at the peer
 * @throws PotluckError the peer's own code; PEER_OFFLINE, TIMEOUT, CANCELLED, BAD_MESSAGE
 */
export type PeerCall = <M extends PeerMethod>(
  peer: PeerId,
  method: M,
  body: PeerInput<M>,
  signal: AbortSignal,
  onProgress?: OnProgress,
) => Promise<PeerAnswer<M>>;

/** Tells a peer something, or all that are online; nothing happens where it is offline. */
export type PeerTell = <N extends PeerNote>(peer: PeerId | 'all', note: N, body: PeerNoteBody<N>) => void;
