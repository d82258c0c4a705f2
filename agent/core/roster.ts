/**
 * Who belongs to the workgroup: computed from signed records, by a function that needs no clock, no order and
 * no server.
 *
 * Every member may add and every member may remove; a removal holds for ever for that key. What a removed PC
 * signed counts only as far as the one who removed it said so, because a thief can date anything back. Records
 * merge by union, so two rosters that met are equal, whatever each of them missed. SPEC.md, "Workgroup and roster".
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import * as v from 'valibot';
import { peerIdOf, PeerIdHex, type PeerId, type WorkgroupId } from '../../protocol/ids.js';
import { parseBoundedJson } from '../../protocol/json.js';
import {
  MEMBERS_MAX_COUNT,
  NAME_MAX_BYTES,
  ROSTER_ADDS_MAX_COUNT,
  ROSTER_ADDS_PER_SIGNER_MAX_COUNT,
  ROSTER_DELS_MAX_COUNT,
  ROSTER_DELS_PER_PAIR_MAX_COUNT,
  ROSTER_PAGE_MAX_BYTES,
  ROSTER_RECORD_MAX_BYTES,
} from '../../protocol/limits.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { peerText } from '../../protocol/text.js';

/** Signed in front of every payload, so that the signature means nothing anywhere else. */
const SIGNATURE_LABEL = 'potluck/v1/roster\0';
/** A P-256 key in DER, in the one form that is taken: this and the two coordinates. */
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const SPKI_BYTES = SPKI_HEAD.length + 64;

interface EntryBase {
  /** SHA-256 of the payload, hex: what makes two records the same. */
  readonly hash: string;
  readonly subject: PeerId;
  /** Who signed. */
  readonly by: PeerId;
  /** What the signer's clock showed, ms since 1970: to be shown, never to be compared with another clock. */
  readonly at: number;
  /** As it was signed, for storing and sending on. */
  readonly signed: RosterRecord;
}
export interface AddEntry extends EntryBase {
  readonly type: 'add';
  /** What the new member called itself. */
  readonly name: string;
}
export interface DelEntry extends EntryBase {
  readonly type: 'del';
  /** Whom the subject let in and who shall stay. */
  readonly keep: readonly PeerId[];
}
/** A record whose signature is right. Only `openRecord` makes one. */
export type RosterEntry = AddEntry | DelEntry;

export interface Member {
  readonly id: PeerId;
  /** Empty when it is not known. */
  readonly name: string;
  /** Null for the founder. */
  readonly addedBy: PeerId | null;
  readonly addedAt: number | null;
}

export interface Standing {
  readonly members: ReadonlyMap<PeerId, Member>;
  /** Who was removed; stays so for ever. */
  readonly removed: ReadonlySet<PeerId>;
}

/** What a signer needs to be: its key, and a function that gives 64 bytes (ECDSA P-256, SHA-256, IEEE P1363). */
export interface Signer {
  readonly spki: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));
const spki = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9+/]{122}==$/),
  v.transform((text) => Buffer.from(text, 'base64')),
  v.check((key) => key.length === SPKI_BYTES && key.subarray(0, SPKI_HEAD.length).equals(SPKI_HEAD)),
);
const common = { v: v.literal(1), wg: v.string(), at: time, by: spki };
const Payload = v.variant('t', [
  v.strictObject({
    ...common,
    t: v.literal('add'),
    sub: spki,
    name: v.pipe(peerText(NAME_MAX_BYTES), v.minLength(1)),
  }),
  v.strictObject({
    ...common,
    t: v.literal('del'),
    sub: PeerIdHex,
    keep: v.pipe(v.array(PeerIdHex), v.maxLength(MEMBERS_MAX_COUNT)),
  }),
]);

/** Signs that the holder of `subject` (SPKI) belongs to the workgroup. @param at  ms since 1970 */
export function makeAdd(
  signer: Signer,
  add: { readonly workgroup: WorkgroupId; readonly subject: Uint8Array; readonly name: string; readonly at: number },
): RosterRecord {
  const { workgroup: wg, subject, name, at } = add;
  return seal(signer, { v: 1, t: 'add', wg, sub: base64(subject), name, at, by: base64(signer.spki) });
}

/** Signs that `subject` belongs to it no more, and who of those whom it let in shall stay. @param at  ms since 1970 */
export function makeDel(
  signer: Signer,
  del: {
    readonly workgroup: WorkgroupId;
    readonly subject: PeerId;
    readonly keep: readonly PeerId[];
    readonly at: number;
  },
): RosterRecord {
  const { workgroup: wg, subject: sub, keep, at } = del;
  return seal(signer, { v: 1, t: 'del', wg, sub, keep, at, by: base64(signer.spki) });
}

/**
 * Reads and verifies a record, about 0.1 ms.
 * @returns null when it is not a record of this workgroup with a right signature
 */
export function openRecord(record: RosterRecord, workgroup: WorkgroupId): RosterEntry | null {
  const payload = Buffer.from(record.p, 'base64');
  return openPayload(payload, hashOf(payload), record, workgroup);
}

/** Members and removed of a roster, whatever the order of its entries. */
export function standingOf(entries: Iterable<RosterEntry>, root: PeerId): Standing {
  const { adds, dels } = sorted(entries);
  const everLetIn = reach(root, adds, () => true);
  const liveDels = Map.groupBy(
    dels.filter((del) => everLetIn.has(del.by)),
    (del) => del.subject,
  );
  const counts = (add: AddEntry): boolean =>
    (liveDels.get(add.by) ?? []).every((del) => del.keep.includes(add.subject));
  const founding = adds.find((add) => add.by === root && add.subject === root);
  const members = new Map<PeerId, Member>();
  for (const [id, add] of reach(root, adds, counts)) {
    if (liveDels.has(id)) continue;
    members.set(id, {
      id,
      name: (add ?? founding)?.name ?? '',
      addedBy: add?.by ?? null,
      addedAt: (add ?? founding)?.at ?? null,
    });
  }
  return { members, removed: new Set(liveDels.keys()) };
}

/**
 * What the roster is after these records came: never less than it was.
 *
 * Taken is what is new, right, signed by somebody who was let in (and, of a removal, about such a one) and within
 * the limits; when a limit is reached, what came first stays. Cost: a verification of each record not yet held.
 *
 * @returns `entries` is the same array when nothing was taken; `bad` counts what no honest peer sends: records that
 *          are malformed, of another workgroup, or not signed by whom they name
 */
export function mergeRoster(
  entries: readonly RosterEntry[],
  records: readonly RosterRecord[],
  root: PeerId,
  workgroup: WorkgroupId,
): { readonly entries: readonly RosterEntry[]; readonly bad: number } {
  const known = new Set(entries.map((entry) => entry.hash));
  const fresh: RosterEntry[] = [];
  let bad = 0;
  for (const record of records) {
    const payload = Buffer.from(record.p, 'base64');
    const hash = hashOf(payload);
    if (known.has(hash)) continue;
    const entry = openPayload(payload, hash, record, workgroup);
    if (entry === null) {
      bad += 1;
      continue;
    }
    known.add(hash);
    fresh.push(entry);
  }
  const taken = within(entries, sorted(fresh), root);
  return { entries: taken.length === 0 ? entries : [...entries, ...taken], bad };
}

/** SHA-256 over the sorted hashes, hex: equal digests need no exchange. */
export function rosterDigest(entries: Iterable<RosterEntry>): string {
  const hash = createHash('sha256');
  for (const entry of [...entries].map((one) => one.hash).toSorted()) hash.update(entry, 'hex');
  return hash.digest('hex');
}

/**
 * The roster as it is sent: whoever is added comes before what it signed, removals come last, because a receiver
 * takes only what it can connect to what it has. Each page fits a message.
 */
export function rosterPages(entries: readonly RosterEntry[], root: PeerId): RosterRecord[][] {
  const { adds, dels } = sorted(entries);
  const place = new Map([...reach(root, adds, () => true).keys()].map((id, at) => [id, at]));
  const placeOf = (add: AddEntry): number => place.get(add.by) ?? place.size;
  const order = [...adds.toSorted((one, other) => placeOf(one) - placeOf(other)), ...dels];
  const pages: RosterRecord[][] = [[]];
  let bytes = 0;
  for (const { signed } of order) {
    const size = JSON.stringify(signed).length + 1;
    if (bytes + size > ROSTER_PAGE_MAX_BYTES) {
      pages.push([]);
      bytes = 0;
    }
    pages.at(-1)?.push(signed);
    bytes += size;
  }
  return pages;
}

/** Of the new entries those that connect to the roster and for which there is room. */
function within(
  entries: readonly RosterEntry[],
  fresh: { readonly adds: readonly AddEntry[]; readonly dels: readonly DelEntry[] },
  root: PeerId,
): RosterEntry[] {
  const have = sorted(entries);
  const taken: RosterEntry[] = [];
  const isNew = new Set(fresh.adds);
  const perSigner = count(have.adds, (add) => add.by);
  const isRoom = (add: AddEntry): boolean => {
    if (!isNew.has(add)) return true;
    const mine = perSigner.get(add.by) ?? 0;
    if (mine >= ROSTER_ADDS_PER_SIGNER_MAX_COUNT || have.adds.length + taken.length >= ROSTER_ADDS_MAX_COUNT) {
      return false;
    }
    perSigner.set(add.by, mine + 1);
    taken.push(add);
    return true;
  };
  // What is held comes first, so that it is walked before new entries use up what room there is.
  const everLetIn = reach(root, [...have.adds, ...fresh.adds], isRoom);

  const pairOf = (del: DelEntry): string => `${del.by} ${del.subject}`;
  const perPair = count(have.dels, pairOf);
  let dels = have.dels.length;
  for (const del of fresh.dels) {
    const same = perPair.get(pairOf(del)) ?? 0;
    const isConnected = everLetIn.has(del.by) && everLetIn.has(del.subject);
    if (!isConnected || same >= ROSTER_DELS_PER_PAIR_MAX_COUNT || dels >= ROSTER_DELS_MAX_COUNT) continue;
    perPair.set(pairOf(del), same + 1);
    dels += 1;
    taken.push(del);
  }
  return taken;
}

/**
 * Everybody who is let in by the root or by somebody reached before, nearest first, each with the add that did it.
 * `counts` is asked about every add of a reached signer, once.
 */
export function reach(
  root: PeerId,
  adds: readonly AddEntry[],
  counts: (add: AddEntry) => boolean,
): Map<PeerId, AddEntry | null> {
  const bySigner = Map.groupBy(adds, (add) => add.by);
  const reached = new Map<PeerId, AddEntry | null>([[root, null]]);
  // A Map may grow while it is walked: what is added is walked, too.
  for (const signer of reached.keys()) {
    for (const add of bySigner.get(signer) ?? []) {
      if (counts(add) && !reached.has(add.subject)) reached.set(add.subject, add);
    }
  }
  return reached;
}

/** By kind, each in an order that depends on nothing but the entries. */
function sorted(entries: Iterable<RosterEntry>): { adds: AddEntry[]; dels: DelEntry[] } {
  const adds: AddEntry[] = [];
  const dels: DelEntry[] = [];
  for (const entry of entries) {
    if (entry.type === 'add') adds.push(entry);
    else dels.push(entry);
  }
  const order = (one: RosterEntry, other: RosterEntry): number => (one.hash < other.hash ? -1 : 1);
  return { adds: adds.toSorted(order), dels: dels.toSorted(order) };
}

function openPayload(payload: Buffer, hash: string, record: RosterRecord, workgroup: WorkgroupId): RosterEntry | null {
  if (payload.length > ROSTER_RECORD_MAX_BYTES || payload.toString('base64') !== record.p) return null;
  const read = v.safeParse(Payload, parsePayload(payload));
  if (!read.success || read.output.wg !== workgroup) return null;
  const { output } = read;
  if (!isSigned(payload, Buffer.from(record.s, 'base64'), output.by)) return null;
  const base = { hash, by: idOfSpki(output.by), at: output.at, signed: { p: record.p, s: record.s } };
  return output.t === 'add'
    ? { ...base, type: 'add', subject: idOfSpki(output.sub), name: output.name }
    : { ...base, type: 'del', subject: output.sub, keep: output.keep };
}

function parsePayload(payload: Buffer): unknown {
  try {
    return parseBoundedJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    // Not UTF-8 or not JSON: no schema takes null, and the record is refused.
    return null;
  }
}

function isSigned(payload: Buffer, signature: Buffer, by: Buffer): boolean {
  try {
    const key = createPublicKey({ key: by, format: 'der', type: 'spki' });
    const signed = Buffer.concat([Buffer.from(SIGNATURE_LABEL), payload]);
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    // The coordinates are not a point of the curve: nobody holds such a key.
    return false;
  }
}

function seal(signer: Signer, payload: object): RosterRecord {
  const bytes = Buffer.from(JSON.stringify(payload));
  const signature = signer.sign(Buffer.concat([Buffer.from(SIGNATURE_LABEL), bytes]));
  return { p: bytes.toString('base64'), s: base64(signature) };
}

function count<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

function idOfSpki(key: Uint8Array): PeerId {
  return peerIdOf(createHash('sha256').update(key).digest());
}

function hashOf(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
