/**
 * Keeps trying to reach members: every address that was heard of, dialled when core/dial-policy says so.
 *
 * Addresses come from announcements, from peers, from memory and from a person; none of them is believed. Who
 * answers at one is known after TLS and remembered with it, so that one PC with several addresses is dialled
 * once. SPEC.md, "Connections", "Discovery".
 */
import type { WebSocket } from 'ws';
import { dialDelayMs, type DialTarget, planDials } from '../core/dial-policy.js';
import type { Clock } from '../platform/clock.js';
import type { Closable } from '../platform/scope.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import {
  ADDRESSES_PER_PEER_MAX_COUNT,
  CANDIDATES_MAX_COUNT,
  DIAL_PER_ADDRESS_INTERVAL_MS,
  PORT_MIN,
} from '../../protocol/limits.js';
import type { Address } from '../../protocol/peer/info.js';
import { dial, type Dialler } from './dial.js';
import { addressText } from './known-peer.js';

/** An announced address at which nobody ever proved to be a member is forgotten after so many dials. */
const UNPROVED_FAILURES_MAX_COUNT = 6;

interface Target extends DialTarget {
  peer: PeerId | null;
  isProved: boolean;
  isDialling: boolean;
  failures: number;
  dueAtMs: number;
  /** When it was dialled last; -Infinity for never. */
  dialledAtMs: number;
}

export interface RedialOptions {
  readonly dialler: Dialler;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Is it in the office's network? Nothing else is ever dialled. */
  readonly isAcceptableRemote: (address: string) => boolean;
  /** Should a link to this peer be made now? Not to one that is linked, blocked or removed, nor to this PC. */
  readonly wanted: (peer: PeerId) => boolean;
  /** Asked after TLS, before anything is said; throws the reason against going on, ALREADY_EXISTS for a linked peer. */
  readonly admit: (peer: PeerId) => void;
  /** A dial that `admit` let go on is over. */
  readonly released: (peer: PeerId) => void;
  /** Makes a link of the connection. Resolves when it is ready; rejects when it ends before. */
  readonly establish: (webSocket: WebSocket, peer: PeerId, address: Address) => Promise<void>;
  /** A dial to an address that is bound to this peer has begun or ended; `failure` says why it came to nothing. */
  readonly onAttempt: (peer: PeerId, address: Address, failure: PotluckError | null) => void;
}

export class Redial implements Closable {
  readonly #options: RedialOptions;
  readonly #targets = new Map<string, Target>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  #cancelTimer: () => void = () => undefined;
  #isPlanned = false;

  constructor(options: RedialOptions) {
    this.#options = options;
  }

  /**
   * Takes a hint that somebody may be reached there. An address that is not near, or one too many, is ignored.
   * @param peer  who is said to be there; null when the hint does not say
   */
  learn(address: Address, peer: PeerId | null): void {
    if (this.#abort.signal.aborted || address.port < PORT_MIN || !this.#options.isAcceptableRemote(address.host))
      return;
    const key = keyOf(address);
    const known = this.#targets.get(key);
    if (known !== undefined) {
      if (peer !== null && !known.isProved) known.peer = peer;
      // A PC that was away announces itself when it is back: the long delay of its failures is over.
      known.dueAtMs = Math.min(known.dueAtMs, this.#earliest(known));
    } else if (this.#makeRoom(peer)) this.#targets.set(key, this.#newTarget(address, peer));
    this.plan();
  }

  /** The peer has just answered there, to this PC's own dial: it is dialled again now. */
  proved(address: Address, peer: PeerId): void {
    this.learn(address, peer);
    const target = this.#targets.get(keyOf(address));
    if (target === undefined) return;
    Object.assign(target, { peer, isProved: true, failures: 0, dueAtMs: this.#options.clock.nowMs() });
    this.plan();
  }

  /** Looks what is to be dialled now, after the current work is done. Cheap: call it whenever something changed. */
  plan(): void {
    if (this.#isPlanned || this.#abort.signal.aborted) return;
    this.#isPlanned = true;
    queueMicrotask(() => this.#run());
  }

  /** Makes every address due now: the network changed, so what failed before says nothing. */
  retryAll(): void {
    this.#hasten(() => true, 0);
  }

  /** A link to the peer is gone: try again after `delayMs`. */
  retry(peer: PeerId, delayMs: number): void {
    this.#hasten((target) => target.peer === peer, delayMs);
  }

  /** Where the peer was reached or is said to be, the best first. */
  addressesOf(peer: PeerId): Address[] {
    return [...this.#targets.values()]
      .filter((target) => target.peer === peer)
      .toSorted((a, b) => Number(b.isProved) - Number(a.isProved) || a.failures - b.failures)
      .map(({ host, port }) => ({ host, port }));
  }

  /** Is an address of the peer being dialled that did not fail again and again before? */
  isReaching(peer: PeerId): boolean {
    return [...this.#targets.values()].some(
      (target) => target.isDialling && target.peer === peer && target.failures < 3,
    );
  }

  /** Forgets every address of a peer that is no longer a member. */
  forget(peer: PeerId): void {
    for (const [key, target] of this.#targets)
      if (target.peer === peer && !target.isDialling) this.#targets.delete(key);
  }

  /**
   * Dials these addresses now, one after the other, because a person asked for it.
   * @returns who is at the first that answers; the link is ready, or was before
   * @throws PotluckError PEER_UNREACHABLE: none answers; NOT_ALLOWED, NOT_A_MEMBER, USAGE, NO_WORKGROUP, CANCELLED
   */
  async dialAny(addresses: readonly Address[], signal: AbortSignal): Promise<PeerId> {
    let failure = new PotluckError('PEER_UNREACHABLE', 'no PC is known by this address');
    // A PC that does not answer at one port answers at no other.
    const silent = new Set<string>();
    for (const address of addresses) {
      if (silent.has(address.host)) continue;
      try {
        return await this.#dialNow(address, signal);
      } catch (thrown) {
        const error = toPotluckError(thrown);
        if (error.code !== 'PEER_UNREACHABLE' && error.code !== 'TIMEOUT') throw error;
        if (error.code === 'TIMEOUT') silent.add(address.host);
        failure = new PotluckError('PEER_UNREACHABLE', `${addressText(address)}: ${error.message}`, { cause: error });
      }
    }
    throw failure;
  }

  async close(): Promise<void> {
    this.#abort.abort(new PotluckError('CANCELLED', 'the agent stops'));
    this.#cancelTimer();
    await Promise.allSettled(this.#running);
  }

  async #dialNow(address: Address, signal: AbortSignal): Promise<PeerId> {
    if (!this.#options.isAcceptableRemote(address.host)) {
      throw new PotluckError('NOT_ALLOWED', `${address.host} is not in this office's network`);
    }
    this.#makeRoom(null);
    const target = this.#targets.get(keyOf(address)) ?? this.#newTarget(address, null);
    this.#targets.set(keyOf(address), target);
    await this.#track(this.#attempt(target, AbortSignal.any([signal, this.#abort.signal])));
    if (target.peer === null) throw new PotluckError('PEER_UNREACHABLE', 'nobody is there');
    return target.peer;
  }

  #run(): void {
    this.#isPlanned = false;
    if (this.#abort.signal.aborted) return;
    this.#cancelTimer();
    const { clock, wanted, dialler } = this.#options;
    // Without a workgroup there is nobody to dial.
    if (dialler.group() === null) return;
    const { now, nextAtMs } = planDials([...this.#targets.values()], wanted, clock.nowMs());
    for (const target of now) this.#track(this.#attempt(target, this.#abort.signal)).catch(() => undefined);
    if (nextAtMs !== null) this.#cancelTimer = clock.after(nextAtMs - clock.nowMs(), () => this.plan());
  }

  /** One dial of one address, up to a ready link. What it throws has been counted and told already. */
  async #attempt(target: Target, signal: AbortSignal): Promise<void> {
    const { dialler, clock, random, admit, released, establish, onAttempt } = this.#options;
    target.isDialling = true;
    target.dialledAtMs = clock.nowMs();
    if (target.peer !== null) onAttempt(target.peer, target, null);
    let failure: PotluckError | null = null;
    let admitted: PeerId | null = null;
    try {
      const { webSocket, peer } = await dial(
        dialler,
        {
          address: target,
          purpose: { kind: 'link', back: null },
          admit: (id) => {
            target.peer = id;
            admit(id);
            admitted = id;
          },
        },
        signal,
      );
      await establish(webSocket, peer, target);
      target.failures = 0;
      target.isProved = true;
    } catch (thrown) {
      const error = toPotluckError(thrown);
      // The PC is linked, or is just being linked, over another address: this one is as good.
      if (error.code === 'ALREADY_EXISTS') return;
      failure = error;
      target.failures += 1;
      throw error;
    } finally {
      if (admitted !== null) released(admitted);
      target.isDialling = false;
      target.dueAtMs = clock.nowMs() + dialDelayMs(Math.max(1, target.failures), target.isProved, random());
      if (!target.isProved && target.failures >= UNPROVED_FAILURES_MAX_COUNT) this.#targets.delete(keyOf(target));
      if (target.peer !== null) onAttempt(target.peer, target, failure);
      this.plan();
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #hasten(which: (target: Target) => boolean, delayMs: number): void {
    const atMs = this.#options.clock.nowMs() + delayMs;
    for (const target of this.#targets.values()) {
      if (!which(target)) continue;
      target.failures = 0;
      target.dueAtMs = Math.max(atMs, this.#earliest(target));
    }
    this.plan();
  }

  #newTarget({ host, port }: Address, peer: PeerId | null): Target {
    const dueAtMs = this.#options.clock.nowMs();
    return { host, port, peer, isProved: false, isDialling: false, failures: 0, dueAtMs, dialledAtMs: -Infinity };
  }

  /** An address that has proved nothing is never dialled more often than this, whoever asks for it. */
  #earliest(target: Target): number {
    const nowMs = this.#options.clock.nowMs();
    return target.isProved ? nowMs : Math.max(nowMs, target.dialledAtMs + DIAL_PER_ADDRESS_INTERVAL_MS);
  }

  /** Drops the least useful address of the peer, or of nobody, when there are too many. @returns false when all are useful */
  #makeRoom(peer: PeerId | null): boolean {
    const same = [...this.#targets.entries()].filter(([, target]) => target.peer === peer);
    if (same.length < (peer === null ? CANDIDATES_MAX_COUNT : ADDRESSES_PER_PEER_MAX_COUNT)) return true;
    const worst = same
      .filter(([, target]) => !target.isProved && !target.isDialling)
      .toSorted(([, a], [, b]) => b.failures - a.failures || a.dueAtMs - b.dueAtMs)[0];
    if (worst === undefined) return false;
    this.#targets.delete(worst[0]);
    return true;
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}|${port}`;
}
