/**
 * Which address to dial and when, and which of two links between the same two peers stays.
 *
 * Pure: time, chance and the state of the network come in. An address is only a hint until a member has
 * answered at it, so addresses that never proved anything are dialled rarely (an agent must not be made a
 * port scanner by forged announcements) and never while the peer they stand for is linked.
 * SPEC.md, "Connections".
 */
import {
  DIAL_BACKOFF_MAX_MS,
  DIAL_BACKOFF_MIN_MS,
  DIAL_MAX_COUNT,
  DIAL_PER_ADDRESS_INTERVAL_MS,
  PROBATION_MAX_MS,
} from '../../protocol/limits.js';
import type { PeerId } from '../../protocol/ids.js';

/** Dials under way to one peer: its dead addresses must not take every place. */
const DIALS_PER_PEER_MAX_COUNT = 2;
/** Share of a delay that chance adds or takes away, so that PCs that lost a switch do not redial in step. */
const JITTER = 0.25;
/**
 * Links of the same two peers that begin within this time crossed each other; both ends see them within
 * it. A later one was dialled by who has lost the earlier one.
 */
const CROSSING_MAX_MS = 2 * PROBATION_MAX_MS;

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Who answered here last, or who is said to be here; null for an announcement of nobody known. */
  readonly peer: PeerId | null;
  /** Has a member answered here since the agent started? */
  readonly isProved: boolean;
  readonly isDialling: boolean;
  /** Dials in a row that came to nothing. */
  readonly failures: number;
  /** Monotonic milliseconds before which it is left alone. */
  readonly dueAtMs: number;
}

/**
 * Milliseconds until an address may be dialled again: doubling from one second to five minutes.
 * @param failures  in a row, at least 1
 * @param random    in [0, 1)
 */
export function dialDelayMs(failures: number, isProved: boolean, random: number): number {
  const doubled = DIAL_BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 30);
  const jittered = Math.min(doubled, DIAL_BACKOFF_MAX_MS) * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(jittered, isProved ? DIAL_BACKOFF_MIN_MS : DIAL_PER_ADDRESS_INTERVAL_MS));
}

export interface DialPlan<T extends DialTarget> {
  /** Dial these now, in this order. */
  readonly now: readonly T[];
  /** When to look again if nothing happens before; null when nothing is waiting. */
  readonly nextAtMs: number | null;
}

/**
 * What to dial now. Fresh and proved addresses come before those that failed.
 * @param wanted  should a link to this peer be made? false while it is linked, blocked or no member
 */
export function planDials<T extends DialTarget>(
  targets: readonly T[],
  wanted: (peer: PeerId) => boolean,
  nowMs: number,
): DialPlan<T> {
  const perPeer = new Map<PeerId, number>();
  let free = DIAL_MAX_COUNT;
  for (const target of targets) {
    if (!target.isDialling) continue;
    free -= 1;
    if (target.peer !== null) perPeer.set(target.peer, (perPeer.get(target.peer) ?? 0) + 1);
  }
  const waiting = targets
    .filter((target) => !target.isDialling && (target.peer === null || wanted(target.peer)))
    .toSorted((a, b) => a.failures - b.failures || Number(b.isProved) - Number(a.isProved) || a.dueAtMs - b.dueAtMs);

  const now: T[] = [];
  let nextAtMs: number | null = null;
  for (const target of waiting) {
    if (target.dueAtMs > nowMs) {
      nextAtMs = Math.min(nextAtMs ?? Infinity, target.dueAtMs);
      continue;
    }
    const already = target.peer === null ? 0 : (perPeer.get(target.peer) ?? 0);
    // Whoever finds no place waits for a dial to end, which is looked at without a timer.
    if (now.length >= free || already >= DIALS_PER_PEER_MAX_COUNT) continue;
    if (target.peer !== null) perPeer.set(target.peer, already + 1);
    now.push(target);
  }
  return { now, nextAtMs };
}

/** What becomes of a link when a second one to the same peer is ready. */
export type Crossing =
  /** The newer one is closed as a duplicate. */
  | 'keep-older'
  /** The older one is closed as a duplicate; what was asked on it goes on over the newer. */
  | 'keep-newer'
  /** The peer has lost the older one: it is dropped with whatever was asked on it. */
  | 'replace';

export interface CrossingLink {
  readonly dialler: PeerId;
  readonly readyAtMs: number;
}

/**
 * Both ends decide alike from what both know: of two links that crossed, the one whose dialler has the
 * smaller id stays. A peer never dials while it has a link, so a second link by the same dialler, or one
 * long after the first, tells that the first is dead at the other end.
 */
export function resolveCrossing(older: CrossingLink, newer: CrossingLink): Crossing {
  if (older.dialler === newer.dialler || newer.readyAtMs - older.readyAtMs > CROSSING_MAX_MS) return 'replace';
  return newer.dialler < older.dialler ? 'keep-newer' : 'keep-older';
}

/** Should a dial of ours that has said nothing yet go on, while a link dialled by that peer is being opened? */
export function isDialWorthwhile(own: PeerId, peer: PeerId): boolean {
  return own < peer;
}
