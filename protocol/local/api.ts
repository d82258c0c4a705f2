/**
 * The methods of the local API: `POST /v1/<method>` with a JSON object; the answer is `{"ok": …}` or
 * `{"error": {"code", "message", "hint"}}`. CLI and terminal UI use nothing else. SPEC.md, "Local API".
 *
 * PEER in an input is what a person typed: a name, or the beginning of an id. Paths on this PC are absolute.
 */
import * as v from 'valibot';
import { BROWSE_PAGE_MAX_COUNT, COPIES_MAX_COUNT, INVITE_MAX_MS, LOG_TAIL_MAX_COUNT } from '../limits.js';
import { JobRow, PeerRow, PrinterRow, SelfRow, ShareRow, TransferRow } from './model.js';

const typed = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const remotePath = v.pipe(v.string(), v.maxLength(4096));
const localPath = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const peerList = v.pipe(v.array(typed), v.maxLength(64));
const nothing = v.strictObject({});
const page = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));

export const MemberRow = v.strictObject({
  id: v.string(),
  name: v.string(),
  self: v.boolean(),
  /** Name of the member that let it in; null for the founder. */
  addedBy: v.nullable(v.string()),
  addedAt: v.nullable(v.string()),
  state: v.picklist(['online', 'connecting', 'offline', 'blocked']),
});
export type MemberRow = v.InferOutput<typeof MemberRow>;

export const EntryRow = v.strictObject({
  name: v.string(),
  type: v.picklist(['file', 'folder']),
  size: v.number(),
  modified: v.string(),
  content: v.nullable(v.string()),
});
export type EntryRow = v.InferOutput<typeof EntryRow>;

export const LOCAL_METHODS = {
  'agent.status': {
    input: nothing,
    output: v.strictObject({
      ...SelfRow.entries,
      uptimeSeconds: v.number(),
      home: v.string(),
      counts: v.strictObject({
        members: v.number(),
        online: v.number(),
        shares: v.number(),
        transfersActive: v.number(),
        jobsActive: v.number(),
        printersShared: v.number(),
      }),
    }),
  },
  'agent.rename': { input: v.strictObject({ name: typed }), output: SelfRow },
  /** The newest lines of the log, oldest first; with `after`, those behind that byte offset. */
  'agent.log': {
    input: v.strictObject({
      lines: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LOG_TAIL_MAX_COUNT)),
      after: v.optional(v.number()),
    }),
    output: v.strictObject({ lines: v.array(v.string()), offset: v.number() }),
  },

  'workgroup.create': { input: v.strictObject({ name: typed }), output: SelfRow },
  'workgroup.invite': {
    input: v.strictObject({ lifeMs: v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(INVITE_MAX_MS)) }),
    output: v.strictObject({ code: v.string(), link: v.string(), expiresAt: v.string() }),
  },
  /** Answers when this PC is a member. `address`: HOST[:PORT] of a member where multicast does not reach it. */
  'workgroup.join': { input: v.strictObject({ code: typed, address: v.optional(typed) }), output: SelfRow },
  'workgroup.members': { input: nothing, output: v.strictObject({ members: v.array(MemberRow) }) },
  /** `keep`: members that PEER let in and that shall stay. Without it everybody else stays. */
  'workgroup.remove': {
    input: v.strictObject({ peer: typed, keep: v.optional(peerList) }),
    output: v.strictObject({ removed: v.array(v.string()) }),
  },
  'workgroup.leave': { input: nothing, output: SelfRow },

  'peer.list': { input: nothing, output: v.strictObject({ peers: v.array(PeerRow) }) },
  'peer.connect': { input: v.strictObject({ address: typed }), output: PeerRow },
  'peer.block': { input: v.strictObject({ peer: typed }), output: PeerRow },
  'peer.unblock': { input: v.strictObject({ peer: typed }), output: PeerRow },

  'share.add': {
    input: v.strictObject({
      folder: localPath,
      name: v.optional(typed),
      only: v.optional(peerList),
      except: v.optional(peerList),
    }),
    output: ShareRow,
  },
  'share.set': {
    input: v.strictObject({
      name: typed,
      rename: v.optional(typed),
      only: v.optional(peerList),
      except: v.optional(peerList),
    }),
    output: ShareRow,
  },
  'share.list': { input: nothing, output: v.strictObject({ shares: v.array(ShareRow) }) },
  'share.remove': { input: v.strictObject({ name: typed }), output: ShareRow },

  /** The shares that a coworker, or this PC itself, offers to this PC. */
  'browse.shares': {
    input: v.strictObject({ peer: typed }),
    output: v.strictObject({ shares: v.array(v.strictObject({ name: v.string(), writable: v.boolean() })) }),
  },
  /** One page of a folder, or of a file alone: then `entry` is that file and `entries` is empty. */
  'browse.list': {
    input: v.strictObject({
      peer: typed,
      share: typed,
      path: remotePath,
      cursor: v.nullable(v.string()),
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(BROWSE_PAGE_MAX_COUNT)),
    }),
    output: v.strictObject({
      entry: v.nullable(EntryRow),
      entries: v.array(EntryRow),
      next: v.nullable(v.string()),
      total: v.number(),
    }),
  },

  /** Starts a download and answers with its row at once; what becomes of it is seen in `transfers`. */
  'transfer.get': {
    input: v.strictObject({
      peer: typed,
      share: typed,
      path: remotePath,
      to: v.optional(localPath),
      onConflict: v.picklist(['rename', 'skip', 'replace']),
    }),
    output: TransferRow,
  },
  'transfer.list': { input: nothing, output: v.strictObject({ transfers: v.array(TransferRow) }) },
  'transfer.pause': { input: v.strictObject({ id: typed }), output: TransferRow },
  'transfer.resume': { input: v.strictObject({ id: typed }), output: TransferRow },
  'transfer.cancel': { input: v.strictObject({ id: typed }), output: TransferRow },

  'printer.list': { input: nothing, output: v.strictObject({ printers: v.array(PrinterRow) }) },
  /** NAME: a printer of this PC as `printers` shows it, or `tray` for a tray that is made for it. */
  'printer.share': { input: v.strictObject({ name: typed, only: v.optional(peerList) }), output: PrinterRow },
  'printer.unshare': { input: v.strictObject({ name: typed }), output: PrinterRow },
  /** A network IPP printer (ipp:// or ipps://), or a tray (tray:FOLDER). */
  'printer.add': { input: v.strictObject({ uri: typed, name: v.optional(typed) }), output: PrinterRow },
  'printer.remove': { input: v.strictObject({ name: typed }), output: PrinterRow },

  /** Answers when the job is safe in this PC's spool; what becomes of it is seen in `jobs`. */
  'job.print': {
    input: v.strictObject({
      file: localPath,
      /** `PEER/PRINTER`; may be left out when exactly one printer can be printed on. */
      printer: v.optional(typed),
      title: v.optional(typed),
      copies: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(COPIES_MAX_COUNT)),
      pages: v.optional(v.pipe(v.array(v.strictTuple([page, page])), v.minLength(1), v.maxLength(32))),
      duplex: v.optional(v.picklist(['long', 'short', 'off'])),
      color: v.optional(v.boolean()),
      media: v.optional(typed),
    }),
    output: JobRow,
  },
  'job.list': { input: v.strictObject({ all: v.boolean() }), output: v.strictObject({ jobs: v.array(JobRow) }) },
  'job.cancel': { input: v.strictObject({ id: typed }), output: JobRow },
} as const;

export type LocalMethod = keyof typeof LOCAL_METHODS;
export type LocalInput<M extends LocalMethod> = v.InferInput<(typeof LOCAL_METHODS)[M]['input']>;
export type LocalRequest<M extends LocalMethod> = v.InferOutput<(typeof LOCAL_METHODS)[M]['input']>;
export type LocalAnswer<M extends LocalMethod> = v.InferOutput<(typeof LOCAL_METHODS)[M]['output']>;

/** The envelope of an answer. */
export const LocalReply = v.union([
  v.strictObject({ ok: v.unknown() }),
  v.strictObject({
    error: v.strictObject({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }),
  }),
]);
