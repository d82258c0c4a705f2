/**
 * What a client of the local API sees: tables of rows, one table a noun.
 *
 * `GET /v1/watch` sends every table once and then each row that changes, so these rows are all that the
 * terminal UI knows; the CLI prints them. Peer ids are in the form for people. Texts that a peer, a
 * printer or a file system chose are raw here and go through `safe()` before they reach a terminal.
 */
import * as v from 'valibot';
import { JOB_STATES, PRINTER_STATES } from '../peer/printing.js';

const count = v.pipe(v.number(), v.minValue(0));
/** ISO 8601, UTC. */
const time = v.string();
const text = v.string();
const failure = v.strictObject({ code: v.string(), message: v.string(), hint: v.optional(v.string()) });
const disk = v.nullable(v.strictObject({ free: count, total: count }));

/** This PC; the only row of its table, key `self`. */
export const SelfRow = v.strictObject({
  id: text,
  name: text,
  workgroup: v.nullable(v.strictObject({ id: text, name: text })),
  version: text,
  platform: text,
  port: v.number(),
  addresses: v.array(text),
  startedAt: time,
  discovery: v.boolean(),
  /** When the newest open invitation ends; null when none is open. */
  inviteUntil: v.nullable(time),
  /** Where downloads go unless told. */
  downloads: text,
  disk,
  /** Bytes a second, both directions of all transfers. */
  rateDown: count,
  rateUp: count,
});
export type SelfRow = v.InferOutput<typeof SelfRow>;

/** Another member. Key: id. */
export const PeerRow = v.strictObject({
  id: text,
  name: text,
  state: v.picklist(['online', 'connecting', 'offline', 'blocked']),
  /** Why it is not online, as far as is known; empty when online. */
  because: text,
  addresses: v.array(text),
  lastSeen: v.nullable(time),
  version: v.nullable(text),
  platform: v.nullable(text),
  disk,
  shares: count,
  printers: count,
  internet: v.boolean(),
});
export type PeerRow = v.InferOutput<typeof PeerRow>;

/** A folder that this PC offers. Key: id. */
export const ShareRow = v.strictObject({
  id: text,
  name: text,
  folder: text,
  writable: v.boolean(),
  /** Ids of the members that may see it (`only`) or may not (`except`); both empty: everybody. */
  only: v.array(text),
  except: v.array(text),
  state: v.picklist(['ok', 'missing']),
});
export type ShareRow = v.InferOutput<typeof ShareRow>;

export const TRANSFER_STATES = [
  'queued',
  'hashing',
  'active',
  'waiting',
  'paused',
  'done',
  'failed',
  'cancelled',
] as const;

/** A download or an upload. Key: id. */
export const TransferRow = v.strictObject({
  id: text,
  direction: v.picklist(['down', 'up']),
  name: text,
  state: v.picklist(TRANSFER_STATES),
  /** Bytes that are here and verified (down) or were sent (up). */
  bytes: count,
  /** Bytes in all; grows while a folder is still being listed. */
  size: count,
  files: count,
  filesDone: count,
  /** Bytes a second, smoothed. */
  rate: count,
  /** Seconds left at this rate; null when it cannot be told. */
  left: v.nullable(count),
  sources: v.array(v.strictObject({ peer: text, name: text, bytes: count })),
  /** Why it waits or what it does, a sentence; empty when there is nothing to say. */
  because: text,
  /** Where it is written (down); empty for uploads. */
  to: text,
  /** Bytes that arrived and were not the ones promised; they were fetched again. */
  wrong: count,
  error: v.nullable(failure),
  /** The first files that could not be had, and how many there are in all. */
  failed: v.array(v.strictObject({ path: text, code: text })),
  failedCount: count,
  startedAt: time,
  finishedAt: v.nullable(time),
});
export type TransferRow = v.InferOutput<typeof TransferRow>;

/** A printer of a coworker or of this PC. Key: uri. */
export const PrinterRow = v.strictObject({
  /** `PEER/NAME` can be typed where a printer is asked for. */
  peer: text,
  peerName: text,
  name: text,
  state: v.picklist(PRINTER_STATES),
  reasons: v.array(text),
  /** A sentence for a person: ready, out of paper, offline since … */
  because: text,
  info: text,
  location: text,
  formats: v.array(text),
  media: v.array(text),
  mediaDefault: v.nullable(text),
  color: v.boolean(),
  duplex: v.boolean(),
  copiesMax: count,
  queued: count,
  /** Own printers only: whether coworkers may print on it, and which ones when not all. */
  shared: v.boolean(),
  only: v.array(text),
  local: v.boolean(),
  /** How it is reached on this PC: cups:NAME, ipp://…, tray:FOLDER, or potluck:PEER/NAME for a coworker's. */
  uri: text,
});
export type PrinterRow = v.InferOutput<typeof PrinterRow>;

/** A print job of this PC's user on whatever printer, or a coworker's on a printer of this PC. Key: id. */
export const JobRow = v.strictObject({
  id: text,
  /** `PEER/NAME`. */
  printer: text,
  title: text,
  /** Name of the PC that asked for it. */
  owner: text,
  /** False for a coworker's job on this PC's printer. */
  mine: v.boolean(),
  state: v.picklist(JOB_STATES),
  because: text,
  pages: v.nullable(count),
  copies: count,
  format: text,
  size: count,
  /** Bytes of the document that the printer's PC has. */
  sent: count,
  createdAt: time,
  finishedAt: v.nullable(time),
});
export type JobRow = v.InferOutput<typeof JobRow>;

/** Something that happened and that a person should know. Key: id, growing. */
export const NoticeRow = v.strictObject({
  id: text,
  at: time,
  level: v.picklist(['info', 'warn', 'error']),
  text,
  code: v.nullable(text),
});
export type NoticeRow = v.InferOutput<typeof NoticeRow>;

export const TABLES = {
  self: SelfRow,
  peers: PeerRow,
  shares: ShareRow,
  transfers: TransferRow,
  printers: PrinterRow,
  jobs: JobRow,
  notices: NoticeRow,
} as const;

export type TableName = keyof typeof TABLES;
export type Row<T extends TableName> = v.InferOutput<(typeof TABLES)[T]>;
/** Every table, each a map from key to row in the order in which rows were first put. */
export type Tables = { readonly [T in TableName]: ReadonlyMap<string, Row<T>> };
