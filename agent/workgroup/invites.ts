/**
 * The invitations that this PC has open: each lets one PC in, within its life.
 *
 * Kept are the keys and not the codes, also across a restart of the agent, because a code that was read out to somebody
 * should not die with it. A code is bound to the first PC that proves it; to that one it is answered again until the
 * answer has arrived. Life is measured in monotonic time while the agent runs; a clock that is set while it does not run
 * can shorten a life but not stretch it. SPEC.md, "Join".
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as v from 'valibot';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, PeerIdHex, peerIdShort, type WorkgroupId } from '../../protocol/ids.js';
import { formatInviteCode, inviteKey, inviteLink, makeInviteCode } from '../../protocol/invite.js';
import { INVITE_MAX_MS, INVITES_MAX_COUNT } from '../../protocol/limits.js';
import { type JoinEnds, joinProof, sameMac } from '../../protocol/mac.js';
import type { Clock } from '../platform/clock.js';
import type { Events } from '../platform/events.js';
import { readPrivateFile, writePrivateFile } from '../platform/files.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';

const FILE_MAX_BYTES = 16 * 1024;
const MINUTE_MS = 60_000;

const Stored = v.strictObject({
  v: v.literal(1),
  invites: v.pipe(
    v.array(
      v.strictObject({
        key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/)),
        workgroup: v.pipe(
          v.string(),
          v.regex(/^[0-9a-f]{16}$/),
          v.transform((text) => text as WorkgroupId),
        ),
        /** ms since 1970, as this PC believes. */
        endsAt: v.pipe(v.number(), v.integer()),
        lifeMs: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(INVITE_MAX_MS)),
        joiner: v.nullable(PeerIdHex),
      }),
    ),
    v.maxLength(INVITES_MAX_COUNT),
  ),
});

interface Invite {
  readonly key: Buffer;
  readonly workgroup: WorkgroupId;
  readonly endsAt: number;
  readonly lifeMs: number;
  /** Who has proved the code; nobody else can use it any more. */
  joiner: PeerId | null;
  readonly stopTimer: () => void;
}

export interface InvitesOptions {
  /** Private, see platform/paths. */
  readonly folder: string;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
  /** The workgroup of this PC; an invitation is void when it is another one. */
  readonly workgroup: () => WorkgroupId | null;
}

/** What a person needs of a new invitation. `endsAt` is ms since 1970. */
export interface NewInvite {
  readonly code: string;
  readonly link: string;
  readonly endsAt: number;
}

/** A joiner whose proof is right. */
export interface Admission {
  /** The MAC that proves to the joiner that the member holds the code, too. */
  readonly proof: Buffer;
  /** To be called when the joiner has said that the answer arrived: the invitation is used up. */
  acknowledged(): void;
}

/** @throws PotluckError UNSAFE_FILES: other users can read the file */
export async function openInvites(options: InvitesOptions): Promise<Invites> {
  const file = path.join(options.folder, 'invites.json');
  const content = await readPrivateFile(file, FILE_MAX_BYTES);
  return new Invites(options, file, content);
}

export class Invites implements Closable {
  readonly #options: InvitesOptions;
  readonly #file: string;
  readonly #invites = new Set<Invite>();
  readonly #unsubscribe: () => void;
  #saving: Promise<void> = Promise.resolve();

  /** Use openInvites. */
  constructor(options: InvitesOptions, file: string, content: Buffer | null) {
    this.#options = options;
    this.#file = file;
    if (content !== null) this.#restore(content);
    this.#unsubscribe = options.events.on('workgroup.changed', () => this.#dropForeign());
  }

  /** Is there an invitation that somebody may use now? */
  isOpen(): boolean {
    return this.#invites.size > 0;
  }

  /** When the last of the open invitations ends, ms since 1970; null when none is open. */
  endsAt(): number | null {
    return this.isOpen() ? Math.max(...[...this.#invites].map((invite) => invite.endsAt)) : null;
  }

  /**
   * Opens one more invitation. The code is in what is returned and nowhere else.
   * @throws PotluckError NO_WORKGROUP; BUSY: as many are open as may be
   */
  open(lifeMs: number): NewInvite {
    const { clock, workgroup } = this.#options;
    const id = workgroup();
    if (id === null) {
      throw new PotluckError('NO_WORKGROUP', 'this PC is in no workgroup', { hint: 'potluck workgroup create NAME' });
    }
    if (this.#invites.size >= INVITES_MAX_COUNT) {
      const firstEnd = Math.min(...[...this.#invites].map((invite) => invite.endsAt));
      const minutes = Math.max(1, Math.ceil((firstEnd - clock.wallMs()) / MINUTE_MS));
      throw new PotluckError('BUSY', `${INVITES_MAX_COUNT} invitations are open, the first ends in ${minutes} min`, {
        hint: 'each lets one PC in; use those first',
      });
    }
    const code = makeInviteCode(randomBytes);
    const life = Math.min(Math.max(1, Math.floor(lifeMs)), INVITE_MAX_MS);
    const endsAt = clock.wallMs() + life;
    this.#add({ key: inviteKey(code), workgroup: id, endsAt, lifeMs: life, joiner: null }, life);
    this.#changed();
    return { code: formatInviteCode(code), link: inviteLink(code), endsAt };
  }

  /**
   * Whether a joiner's proof fits an open invitation, which is then bound to that joiner.
   * @returns null when none fits, or the one that fits is bound to another PC
   */
  find(ends: JoinEnds, proof: Uint8Array): Admission | null {
    let found: Invite | null = null;
    // All are tried, so that the time taken does not tell which one fits.
    for (const invite of this.#invites) {
      if (sameMac(joinProof(invite.key, 'joiner', ends), proof)) found = invite;
    }
    if (found === null || (found.joiner !== null && found.joiner !== ends.joiner)) return null;
    if (found.joiner === null) {
      found.joiner = ends.joiner;
      this.#options.log.info('invite.bound', { peer: peerIdShort(ends.joiner) });
      this.#save();
    }
    const invite = found;
    return {
      proof: joinProof(invite.key, 'member', ends),
      acknowledged: () => this.#end(invite, 'used'),
    };
  }

  /** Stops the timers; the invitations stay on the disk. Resolves when they are there. */
  async close(): Promise<void> {
    this.#unsubscribe();
    for (const invite of this.#invites) invite.stopTimer();
    await this.#saving;
  }

  #restore(content: Buffer): void {
    const { clock, log, workgroup } = this.#options;
    let stored: v.InferOutput<typeof Stored>;
    try {
      stored = v.parse(Stored, JSON.parse(content.toString()));
    } catch {
      // Codes can be made again: a damaged file is no reason not to start.
      log.warn('invites.unreadable');
      return;
    }
    for (const invite of stored.invites) {
      const leftMs = Math.min(invite.endsAt - clock.wallMs(), invite.lifeMs);
      if (leftMs <= 0 || invite.workgroup !== workgroup()) continue;
      this.#add({ ...invite, endsAt: clock.wallMs() + leftMs, key: Buffer.from(invite.key, 'base64') }, leftMs);
    }
  }

  #add(invite: Omit<Invite, 'stopTimer'>, lifeMs: number): void {
    const stopTimer = this.#options.clock.after(lifeMs, () => this.#end(added, 'expired'));
    const added: Invite = { ...invite, stopTimer };
    this.#invites.add(added);
  }

  #end(invite: Invite, why: 'used' | 'expired'): void {
    if (!this.#invites.delete(invite)) return;
    invite.stopTimer();
    this.#options.log.info(`invite.${why}`);
    this.#changed();
  }

  #dropForeign(): void {
    const workgroup = this.#options.workgroup();
    const foreign = [...this.#invites].filter((invite) => invite.workgroup !== workgroup);
    if (foreign.length === 0) return;
    for (const invite of foreign) {
      invite.stopTimer();
      this.#invites.delete(invite);
    }
    this.#changed();
  }

  #changed(): void {
    this.#save();
    this.#options.events.emit('workgroup.changed', { removed: [] });
  }

  /** In the background: an invitation that could not be saved is good until the agent ends. */
  #save(): void {
    const stored: v.InferInput<typeof Stored> = {
      v: 1,
      invites: [...this.#invites].map(({ key, workgroup, endsAt, lifeMs, joiner }) => {
        return { key: key.toString('base64'), workgroup, endsAt, lifeMs, joiner };
      }),
    };
    const written = writePrivateFile(this.#file, `${JSON.stringify(stored)}\n`).catch((thrown: unknown) => {
      this.#options.log.warn('invites.unsaved', { error: toPotluckError(thrown).code });
    });
    this.#saving = Promise.all([this.#saving, written]).then(() => undefined);
  }
}
