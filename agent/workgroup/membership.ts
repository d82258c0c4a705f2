/**
 * This PC's place in a workgroup: the group key, the roster, and what changes them.
 *
 * The rules are core/roster's; here they are kept on the disk and announced. A change by this PC's user is on the
 * disk before it is answered; what came from a coworker is believed at once, so that whoever was removed is cut off
 * in the same moment, and saved behind it (lost in a power cut, it comes again). When this PC has left or was removed
 * nothing of the workgroup stays but the reason, and its key is retired. SPEC.md, "Workgroup and roster".
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort, type WorkgroupId } from '../../protocol/ids.js';
import { MEMBERS_MAX_COUNT, NAME_MAX_BYTES } from '../../protocol/limits.js';
import { KEY_BYTES, workgroupId } from '../../protocol/mac.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { safe } from '../../protocol/text.js';
import {
  makeAdd,
  type Member,
  mergeRoster,
  openRecord,
  rosterDigest,
  type RosterEntry,
  rosterPages,
} from '../core/roster.js';
import { fallsWith } from '../core/roster-removal.js';
import type { Clock } from '../platform/clock.js';
import type { Events } from '../platform/events.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import type { Identity } from './identity.js';
import { type Lapse, readMembership, type StoredMembership, writeMembership } from './membership-file.js';
import { grown, isOut, makeWorkgroup, removerIn, withRemoval, type Workgroup } from './workgroup.js';

export interface MembershipOptions {
  /** Private, see platform/paths. */
  readonly folder: string;
  readonly identity: Identity;
  readonly events: Events;
  readonly log: Log;
  readonly clock: Clock;
}

/** What a member gives to whom it lets in. */
export interface Joined {
  readonly group: Uint8Array;
  readonly root: PeerId;
  readonly name: string;
  /** Lets this PC in. */
  readonly record: RosterRecord;
}

export interface MergeResult {
  readonly changed: boolean;
  /** Who was a member before and is none now. */
  readonly removed: readonly PeerId[];
  /** Records that no honest peer sends; see mergeRoster. */
  readonly bad: number;
}

const NOTHING: MergeResult = { changed: false, removed: [], bad: 0 };

/**
 * @throws PotluckError UNSAFE_FILES: other users can read the file; FAILED: it and its copy are damaged
 */
export async function openMembership(options: MembershipOptions): Promise<Membership> {
  const { folder, identity, log } = options;
  const file = path.join(folder, 'workgroup.json');
  const stored = await readMembership(file, log);
  const membership = new Membership(options, file, stored);
  // The agent was ended between leaving and giving up its key.
  if (membership.lapse?.id === identity.id) await identity.retire();
  return membership;
}

export class Membership implements Closable {
  readonly #options: MembershipOptions;
  readonly #file: string;
  #workgroup: Workgroup | null;
  #lapse: Lapse | null;
  #saving: Promise<void> = Promise.resolve();

  /** Use openMembership. */
  constructor(options: MembershipOptions, file: string, stored: StoredMembership) {
    this.#options = options;
    this.#file = file;
    this.#workgroup = this.#restore(stored.workgroup);
    this.#lapse = stored.lapse;
    const { identity, clock } = options;
    if (stored.workgroup !== null && stored.workgroup.self !== identity.id) {
      const { self, name } = stored.workgroup;
      this.#workgroup = null;
      this.#lapse = { kind: 'rekeyed', id: self, workgroup: name, by: null, at: clock.wallMs() };
    }
  }

  /** The group key; null while this PC is in no workgroup. */
  get group(): Buffer | null {
    return this.#workgroup?.group ?? null;
  }

  get id(): WorkgroupId | null {
    return this.#workgroup?.id ?? null;
  }

  get root(): PeerId | null {
    return this.#workgroup?.root ?? null;
  }

  get name(): string | null {
    return this.#workgroup?.name ?? null;
  }

  /** Why this PC is in no workgroup any more; null when it never was in one, or is. */
  get lapse(): Lapse | null {
    return this.#lapse;
  }

  /** `unknown` may still become a member by a record that has not arrived; `removed` never. */
  status(id: PeerId): 'member' | 'removed' | 'unknown' {
    const standing = this.#workgroup?.standing;
    if (standing?.members.has(id)) return 'member';
    return standing?.removed.has(id) ? 'removed' : 'unknown';
  }

  /** Everybody, this PC too, the founder first. `name` is what each called itself when it was let in. */
  members(): Member[] {
    return [...(this.#workgroup?.standing.members.values() ?? [])];
  }

  /** Equal to a peer's when both know the same. */
  digest(): string {
    return rosterDigest(this.#workgroup?.entries ?? []);
  }

  /** The whole roster as it is sent, each page for one message. */
  pages(): RosterRecord[][] {
    return this.#workgroup === null ? [] : rosterPages(this.#workgroup.entries, this.#workgroup.root);
  }

  /** Who else goes when `id` is removed and nobody is kept. */
  fallsWith(id: PeerId): PeerId[] {
    return this.#workgroup === null ? [] : fallsWith(this.#workgroup.entries, this.#workgroup.root, id);
  }

  /**
   * Founds a workgroup with this PC as its only member.
   * @param ownName  what this PC calls itself
   * @throws PotluckError ALREADY_MEMBER, NAME_INVALID, BUSY, NO_SPACE, FAILED
   */
  async create(name: string, ownName: string): Promise<void> {
    this.#refuseUnlessFree();
    if (name.trim() !== name || safe(name) !== name || name === '' || Buffer.byteLength(name) > NAME_MAX_BYTES) {
      throw new PotluckError('NAME_INVALID', `a workgroup's name has 1 to ${NAME_MAX_BYTES} bytes of plain text`);
    }
    const { identity, clock } = this.#options;
    const group = randomBytes(KEY_BYTES);
    const workgroup = workgroupId(group);
    const own = makeAdd(identity, { workgroup, subject: identity.spki, name: ownName, at: clock.wallMs() });
    await this.#enter(group, identity.id, name, own);
  }

  /**
   * Enters the workgroup that a member has let this PC into.
   * @throws PotluckError INVITE_REFUSED: the record does not let this PC in; ALREADY_MEMBER, BUSY, NO_SPACE, FAILED
   */
  async accept(joined: Joined): Promise<void> {
    this.#refuseUnlessFree();
    await this.#enter(Buffer.from(joined.group), joined.root, joined.name, joined.record);
  }

  /** Takes what a peer knows; see mergeRoster. Whoever is in `removed` is no member from this moment on. */
  merge(records: readonly RosterRecord[]): MergeResult {
    const workgroup = this.#workgroup;
    if (workgroup === null) return NOTHING;
    const { entries, bad } = mergeRoster(workgroup.entries, records, workgroup.root, workgroup.id);
    if (entries === workgroup.entries) return { ...NOTHING, bad };
    const removed = this.#become(entries);
    this.#save().catch((thrown: unknown) => {
      this.#options.log.error('membership.unsaved', { error: toPotluckError(thrown).code });
    });
    return { changed: true, removed, bad };
  }

  /**
   * Lets somebody in; on the disk when it resolves. Who is a member already gets the record that it has.
   * @param name  what it calls itself, 1 to 64 bytes
   * @throws PotluckError NO_WORKGROUP; NOT_ALLOWED: its key was removed; QUOTA: no room; NO_SPACE, FAILED
   */
  async addMember(spki: Uint8Array, name: string): Promise<RosterRecord> {
    const { id, root, entries, standing } = this.#mustBeMember();
    const { identity, clock } = this.#options;
    const record = makeAdd(identity, { workgroup: id, subject: spki, name, at: clock.wallMs() });
    const entry = openRecord(record, id);
    if (entry === null) throw new PotluckError('NOT_ALLOWED', 'the PC came with a key or a name that none can have');
    if (standing.removed.has(entry.subject)) {
      throw new PotluckError('NOT_ALLOWED', 'this PC was removed from the workgroup; it joins again with a new key', {
        hint: 'potluck workgroup leave   (on that PC, before it joins)',
      });
    }
    const has = standing.members.get(entry.subject);
    const held = entries.find((one) => one.type === 'add' && one.subject === entry.subject && one.by === has?.addedBy);
    if (held !== undefined) return held.signed;
    if (standing.members.size >= MEMBERS_MAX_COUNT) {
      throw new PotluckError('QUOTA', `the workgroup is full: it has ${MEMBERS_MAX_COUNT} members`);
    }
    const merged = mergeRoster(entries, [record], root, id).entries;
    if (merged === entries) {
      throw new PotluckError('QUOTA', 'the workgroup has no room for another arrival after so many', {
        hint: 'found a new workgroup and invite those who belong to it',
      });
    }
    this.#become(merged);
    await this.#save();
    return record;
  }

  /**
   * Removes a member for good; on the disk when it resolves.
   * @param keep  who stays of those whom it let in; undefined: everybody
   * @returns who is no member any more
   * @throws PotluckError NO_WORKGROUP, PEER_UNKNOWN, USAGE: this PC itself; QUOTA, NO_SPACE, FAILED
   */
  async remove(id: PeerId, keep?: readonly PeerId[]): Promise<readonly PeerId[]> {
    const workgroup = this.#mustBeMember();
    const { identity, clock } = this.#options;
    if (id === identity.id) {
      throw new PotluckError('USAGE', 'a PC does not remove itself', { hint: 'potluck workgroup leave' });
    }
    if (!workgroup.standing.members.has(id)) throw new PotluckError('PEER_UNKNOWN', 'there is no such member');
    // Whoever removes somebody stays, also where that one let it in.
    const stay = new Set([...(keep ?? workgroup.standing.members.keys()), identity.id]);
    stay.delete(id);
    const entries = withRemoval(workgroup, identity, { subject: id, stay, at: clock.wallMs() });
    if (entries === null) {
      throw new PotluckError('QUOTA', 'the workgroup has no room for another removal', {
        hint: 'found a new workgroup and invite those who belong to it',
      });
    }
    const removed = this.#become(entries);
    await this.#save();
    return removed;
  }

  /**
   * Leaves the workgroup: nothing of it stays on this PC, and its key is retired.
   * @param spread  tells the coworkers who are online; bounded by the caller, and its failure does not matter
   * @throws PotluckError NO_WORKGROUP, NO_SPACE, FAILED
   */
  async leave(spread: (pages: RosterRecord[][]) => Promise<void>): Promise<void> {
    const workgroup = this.#mustBeMember();
    const { identity, log, clock } = this.#options;
    const at = clock.wallMs();
    const stay = new Set(workgroup.standing.members.keys());
    stay.delete(identity.id);
    const entries = withRemoval(workgroup, identity, { subject: identity.id, stay, at }) ?? workgroup.entries;
    try {
      await spread(rosterPages(entries, workgroup.root));
    } catch (thrown) {
      // Who was not told sees this PC as one that is always off, and can remove it.
      log.warn('membership.leave.untold', { error: toPotluckError(thrown).code });
    }
    const left: Lapse = { kind: 'left', id: identity.id, workgroup: workgroup.name, by: null, at };
    await this.#lapseInto(left);
  }

  /** Resolves when everything is on the disk. */
  async close(): Promise<void> {
    await this.#saving.catch(() => undefined);
  }

  #restore(stored: StoredMembership['workgroup']): Workgroup | null {
    if (stored === null) return null;
    const { group, root, name, records } = stored;
    const workgroup = makeWorkgroup(Buffer.from(group, 'base64'), root, name, records);
    const lost = records.length - workgroup.entries.length;
    if (lost > 0) this.#options.log.warn('membership.records.bad', { count: lost });
    return workgroup;
  }

  #refuseUnlessFree(): void {
    if (this.#workgroup !== null) {
      throw new PotluckError('ALREADY_MEMBER', `this PC is in the workgroup ${safe(this.#workgroup.name)}`, {
        hint: 'potluck workgroup leave',
      });
    }
    const { identity } = this.#options;
    if (identity.isRetired || this.#lapse?.id === identity.id) {
      throw new PotluckError('BUSY', 'this PC has just left a workgroup and is getting a new key');
    }
  }

  #mustBeMember(): Workgroup {
    if (this.#workgroup !== null) return this.#workgroup;
    throw new PotluckError('NO_WORKGROUP', 'this PC is in no workgroup', { hint: 'potluck workgroup create NAME' });
  }

  async #enter(group: Buffer, root: PeerId, name: string, record: RosterRecord): Promise<void> {
    const entry = openRecord(record, workgroupId(group));
    const isForUs = entry?.type === 'add' && entry.subject === this.#options.identity.id;
    if (!isForUs || group.length !== KEY_BYTES || Buffer.byteLength(name) > NAME_MAX_BYTES) {
      throw new PotluckError('INVITE_REFUSED', 'the answer to the invitation does not let this PC in');
    }
    this.#workgroup = makeWorkgroup(group, root, name, [record]);
    this.#lapse = null;
    try {
      await this.#save();
    } catch (thrown) {
      this.#workgroup = null;
      throw thrown;
    }
    this.#options.events.emit('workgroup.changed', { removed: [] });
  }

  /** Takes a grown roster in, with all that follows at once. @returns who is no member any more */
  #become(entries: readonly RosterEntry[]): readonly PeerId[] {
    const before = this.#mustBeMember();
    const { identity, events, log, clock } = this.#options;
    const after = grown(before, entries);
    if (isOut(identity.id, before, after)) {
      const by = removerIn(before, after);
      const lapse: Lapse = { kind: 'removed', id: identity.id, workgroup: before.name, by, at: clock.wallMs() };
      this.#lapseInto(lapse).catch((thrown: unknown) => {
        log.error('membership.lapse.unsaved', { error: toPotluckError(thrown).code });
      });
      return [...before.standing.members.keys()];
    }
    const removed = [...before.standing.members.keys()].filter((id) => !after.standing.members.has(id));
    for (const id of removed) log.info('membership.removed', { peer: peerIdShort(id) });
    this.#workgroup = after;
    events.emit('workgroup.changed', { removed });
    return removed;
  }

  /** Out of the workgroup: in memory and for everybody who listens at once, then on the disk, then the key. */
  async #lapseInto(lapse: Lapse): Promise<void> {
    const { identity, events, log } = this.#options;
    const removed = this.members().map(({ id }) => id);
    this.#workgroup = null;
    this.#lapse = lapse;
    log.info('membership.lapsed', { kind: lapse.kind });
    events.emit('workgroup.changed', { removed });
    this.#saving = this.#save().then(() => identity.retire());
    await this.#saving;
    events.emit('workgroup.changed', { removed: [] });
  }

  /** One write after the other, each of what is then true. */
  #save(): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(() => writeMembership(this.#file, this.#stored()));
    return this.#saving;
  }

  #stored(): StoredMembership {
    const workgroup = this.#workgroup;
    return {
      v: 1,
      lapse: this.#lapse,
      workgroup:
        workgroup === null
          ? null
          : {
              self: this.#options.identity.id,
              group: workgroup.group.toString('base64'),
              root: workgroup.root,
              name: workgroup.name,
              records: workgroup.entries.map((entry) => entry.signed),
            },
    };
  }
}
