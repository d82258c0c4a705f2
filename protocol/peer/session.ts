/**
 * The messages that make up a link itself: who is there, the roster, and the envelope in which every
 * request and answer travels. SPEC.md, "Link".
 */
import * as v from 'valibot';
import { NAME_MAX_BYTES, ROSTER_RECORD_MAX_CHARS, ROSTER_RECORDS_MAX_COUNT } from '../limits.js';
import { peerText } from '../text.js';

const requestId = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const methodName = v.pipe(v.string(), v.regex(/^[a-z]{2,16}\.[a-z]{2,16}$/));

/** First message each way. `roster` is the digest of the sender's roster; equal digests need no exchange. */
export const Hello = v.strictObject({
  t: v.literal('hello'),
  v: v.literal(1),
  name: peerText(NAME_MAX_BYTES),
  roster: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** What this version of the sender can do beyond version 1. */
  caps: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,32}$/))), v.maxLength(32)),
});
export type Hello = v.InferOutput<typeof Hello>;

/** A signed roster record as it travels and is stored: base64 of the payload bytes and of the signature. */
export const RosterRecord = v.strictObject({
  p: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]+={0,2}$/), v.maxLength(ROSTER_RECORD_MAX_CHARS)),
  s: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{86}==$/)),
});
export type RosterRecord = v.InferOutput<typeof RosterRecord>;

/** Records of the sender's roster, in pages that fit a message; `more` says that another page follows. */
export const Roster = v.strictObject({
  t: v.literal('roster'),
  recs: v.pipe(v.array(RosterRecord), v.maxLength(ROSTER_RECORDS_MAX_COUNT)),
  more: v.boolean(),
});
export type Roster = v.InferOutput<typeof Roster>;

/** A request; `id` is chosen by the sender, unique among its unanswered ones. `b` is read by the method's own schema. */
export const Request = v.strictObject({ t: v.literal('req'), id: requestId, m: methodName, b: v.unknown() });
export const Answer = v.strictObject({ t: v.literal('ans'), id: requestId, b: v.unknown() });
export const Failure = v.strictObject({
  t: v.literal('err'),
  id: requestId,
  code: v.pipe(v.string(), v.regex(/^[A-Z_]{2,32}$/)),
  message: peerText(512),
});
/** The request is being worked on and its answer takes longer; `done` and `total` in bytes where they are known. */
export const Progress = v.strictObject({
  t: v.literal('wait'),
  id: requestId,
  done: v.optional(v.pipe(v.number(), v.minValue(0))),
  total: v.optional(v.pipe(v.number(), v.minValue(0))),
});
/** The sender of a request no longer wants its answer; work on it should stop. */
export const Cancel = v.strictObject({ t: v.literal('cancel'), id: requestId });
/** Something the sender tells without wanting an answer. */
export const Note = v.strictObject({ t: v.literal('note'), m: methodName, b: v.unknown() });
/** The answer to a message whose `t` the receiver does not know. */
export const Unsupported = v.strictObject({ t: v.literal('unsupported'), of: v.pipe(v.string(), v.maxLength(32)) });

export const LinkMessage = v.variant('t', [
  Hello,
  Roster,
  Request,
  Answer,
  Failure,
  Progress,
  Cancel,
  Note,
  Unsupported,
]);
export type LinkMessage = v.InferOutput<typeof LinkMessage>;

/** Close codes of our own on a link. SPEC.md, "Closing". */
export const CLOSE = {
  /** The agent stops: the peer goes offline at once and is not called dead. */
  GOODBYE: 4000,
  /** A second connection of the same two peers; the other one is kept. */
  DUPLICATE: 4001,
  /** A message that no schema accepts. */
  BAD_MESSAGE: 4400,
  /** Not a member, or no longer. */
  NOT_A_MEMBER: 4403,
  /** More messages in a second than the limit. */
  FLOOD: 4429,
} as const;
