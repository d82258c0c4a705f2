/**
 * The member's side of an invitation: lets in who proves the code, and says nothing to anybody else.
 *
 * The port offers this protocol only while an invitation is open. What a stranger can make this PC do here is to
 * read one short frame and compute a handful of MACs, a few at once and in turns. SPEC.md, "Join".
 */
import type { TLSSocket } from 'node:tls';
import { type Clock, withDeadline } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import type { Admission } from '../workgroup/invites.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort } from '../../protocol/ids.js';
import { JOIN_MAX_COUNT } from '../../protocol/limits.js';
import type { JoinEnds } from '../../protocol/mac.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { hasUnread } from './bounded-read.js';
import { encodeJoinGrant, readJoinAsk, readJoinDone } from './join-frames.js';
import type { NetLimits } from './net-limits.js';
import type { Handshake } from './tls.js';
import { Turns } from './turns.js';

/** What a join needs of the open invitations. */
export interface JoinInvites {
  isOpen(): boolean;
  find(ends: JoinEnds, proof: Uint8Array): Admission | null;
}

/** What it needs of the workgroup. */
export interface JoinMembership {
  readonly group: Uint8Array | null;
  readonly root: PeerId | null;
  readonly name: string | null;
  /** @throws PotluckError NOT_ALLOWED: its key was removed; QUOTA, NO_SPACE, FAILED */
  addMember(spki: Uint8Array, name: string): Promise<RosterRecord>;
}

export interface JoinDoorOptions {
  readonly id: PeerId;
  readonly clock: Clock;
  readonly limits: NetLimits;
  readonly log: Log;
  readonly invites: JoinInvites;
  readonly membership: JoinMembership;
}

export class JoinDoor implements Closable {
  readonly #options: JoinDoorOptions;
  readonly #turns: Turns;
  readonly #abort = new AbortController();

  constructor(options: JoinDoorOptions) {
    this.#options = options;
    const { clock, limits } = options;
    this.#turns = new Turns({ clock, atOnceMax: JOIN_MAX_COUNT, intervalMs: limits.joinIntervalMs });
  }

  /** Owns the socket from here on, and never throws. */
  take(socket: TLSSocket, handshake: Handshake, host: string): void {
    this.#serve(socket, handshake, host)
      .catch((thrown: unknown) => {
        const { code } = toPotluckError(thrown);
        this.#options.log.info('join.refused', { peer: peerIdShort(handshake.id), error: code });
      })
      .finally(() => socket.destroy());
  }

  async close(): Promise<void> {
    this.#abort.abort();
  }

  async #serve(socket: TLSSocket, { id, spki, exporter }: Handshake, host: string): Promise<void> {
    const { limits, invites, membership, log } = this.#options;
    const { signal } = this.#abort;
    const { proof, name } = await withDeadline(limits.joinStepMs, signal, (step) => readJoinAsk(socket, step));
    // A joiner waits for the answer before it says more.
    if (hasUnread(socket)) throw new PotluckError('BAD_MESSAGE', 'a joiner said more than it was asked');
    const endTurn = await this.#turns.take(host, signal);
    if (endTurn === null) throw new PotluckError('BUSY', 'too many joins at once');
    try {
      const admission = invites.find({ exporter, joiner: id, member: this.#options.id, name }, proof);
      if (admission === null) throw new PotluckError('INVITE_REFUSED', 'no open invitation fits');
      const record = await membership.addMember(spki, name);
      const { group, root, name: workgroup } = membership;
      if (group === null || root === null || workgroup === null) {
        throw new PotluckError('NO_WORKGROUP', 'this PC is in no workgroup');
      }
      socket.write(encodeJoinGrant({ proof: admission.proof, joined: { group, root, name: workgroup, record } }));
      await withDeadline(limits.joinStepMs, signal, (step) => readJoinDone(socket, step));
      admission.acknowledged();
      log.info('join.done', { peer: peerIdShort(id) });
    } finally {
      endTurn();
    }
  }
}
