/**
 * A workgroup as one PC sees it at one moment: a value, replaced by the next one and never changed.
 */
import type { PeerId, WorkgroupId } from '../../protocol/ids.js';
import { workgroupId } from '../../protocol/mac.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import {
  makeDel,
  mergeRoster,
  openRecord,
  type RosterEntry,
  type Signer,
  type Standing,
  standingOf,
} from '../core/roster.js';
import { planRemoval } from '../core/roster-removal.js';

export interface Workgroup {
  /** The group key. */
  readonly group: Buffer;
  readonly id: WorkgroupId;
  readonly root: PeerId;
  readonly name: string;
  readonly entries: readonly RosterEntry[];
  readonly standing: Standing;
}

/** A workgroup out of signed records; those that cannot be opened are left out. */
export function makeWorkgroup(group: Buffer, root: PeerId, name: string, records: readonly RosterRecord[]): Workgroup {
  const id = workgroupId(group);
  const entries = records.map((record) => openRecord(record, id)).filter((entry) => entry !== null);
  return { group, id, root, name, entries, standing: standingOf(entries, root) };
}

/** The same workgroup with a roster that has grown. */
export function grown(workgroup: Workgroup, entries: readonly RosterEntry[]): Workgroup {
  return { ...workgroup, entries, standing: standingOf(entries, workgroup.root) };
}

/**
 * The entries with `subject` removed.
 * @param stay  members who shall stay of those whom it let in
 * @param at    ms since 1970
 * @returns null when there is no room for what this takes
 */
export function withRemoval(
  workgroup: Workgroup,
  signer: Signer,
  removal: { readonly subject: PeerId; readonly stay: ReadonlySet<PeerId>; readonly at: number },
): readonly RosterEntry[] | null {
  const { id, root, entries } = workgroup;
  const { subject, stay, at } = removal;
  const records = planRemoval(entries, root, subject, stay).map((one) =>
    makeDel(signer, { workgroup: id, ...one, at }),
  );
  const merged = mergeRoster(entries, records, root, id).entries;
  return merged.length < entries.length + records.length ? null : merged;
}

/**
 * Does `after` leave `self` outside? Not while its own arrival is merely unconnected: a newcomer is no member in
 * its own roster until it has met another member.
 */
export function isOut(self: PeerId, before: Workgroup, after: Workgroup): boolean {
  const { members, removed } = after.standing;
  if (members.has(self)) return false;
  const vouchers = after.entries.filter((entry) => entry.type === 'add' && entry.subject === self);
  return removed.has(self) || before.standing.members.has(self) || vouchers.some((entry) => removed.has(entry.by));
}

/** Who signed the removal by which `after` differs, as far as it is known. */
export function removerIn(before: Workgroup, after: Workgroup): { id: PeerId; name: string } | null {
  const known = new Set(before.entries);
  const del = after.entries.find((entry) => entry.type === 'del' && !known.has(entry));
  if (del === undefined) return null;
  return { id: del.by, name: before.standing.members.get(del.by)?.name ?? '' };
}
