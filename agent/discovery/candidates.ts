/**
 * Whom this PC could dial: the announcements that concern it, as long as they are repeated.
 *
 * An announcement concerns a member when it carries the workgroup's tag, and a PC that is in no workgroup when an
 * invitation is open there. All others are not even kept, so strangers cannot fill the table of a member. A candidate
 * is a set of addresses: who is reached over cable and radio is announced from both. Pure: times come in.
 */
import { type InstanceName, isTagOf } from '../../protocol/discovery.js';
import {
  CANDIDATE_ADDRESSES_MAX_COUNT,
  CANDIDATE_SILENCE_MAX_MS,
  CANDIDATES_MAX_COUNT,
} from '../../protocol/limits.js';
import type { Address } from '../../protocol/peer/info.js';
import type { Sighting } from './packet.js';

/** Somebody who announces itself. `isMember`: with the tag of this PC's workgroup. */
export interface Candidate {
  readonly instance: InstanceName;
  readonly addresses: readonly Address[];
  readonly joinOpen: boolean;
  readonly isMember: boolean;
}

interface Kept {
  readonly instance: InstanceName;
  /** By `host port`; the time is when it was last announced, monotonic ms. */
  readonly addresses: Map<string, { readonly address: Address; seenMs: number }>;
  tag: string | null;
  joinOpen: boolean;
  isMember: boolean;
}

/** What became of an announcement. */
export type Seen = 'new' | 'changed' | 'same' | 'gone' | 'ignored' | 'full';

export class Candidates {
  readonly #kept = new Map<InstanceName, Kept>();
  readonly #isDialable: (host: string, source: string) => boolean;
  #key: Uint8Array | null = null;

  /** @param isDialable  may `host`, claimed in a packet from `source`, be dialled? */
  constructor(isDialable: (host: string, source: string) => boolean) {
    this.#isDialable = isDialable;
  }

  list(): Candidate[] {
    return [...this.#kept.values()].map(show);
  }

  get(instance: InstanceName): Candidate | null {
    const kept = this.#kept.get(instance);
    return kept === undefined ? null : show(kept);
  }

  /**
   * This PC is in another workgroup now, or in none.
   * @param key  the discovery key of the workgroup
   * @returns who concerns it no more
   */
  setKey(key: Uint8Array | null): InstanceName[] {
    this.#key = key;
    for (const kept of this.#kept.values()) kept.isMember = this.#isMember(kept.instance, kept.tag);
    return this.#drop((kept) => !this.#concerns(kept));
  }

  /** @param source  where the packet came from */
  see(sighting: Sighting, source: string, nowMs: number): Seen {
    const { instance, tag, isJoinOpen: joinOpen } = sighting;
    const state = { tag, joinOpen, isMember: this.#isMember(instance, tag) };
    const known = this.#kept.get(instance);
    if (known !== undefined) return this.#seeAgain(known, state, sighting, source, nowMs);
    if (!this.#concerns(state)) return 'ignored';
    if (this.#kept.size >= CANDIDATES_MAX_COUNT) return 'full';
    const kept: Kept = { instance, addresses: new Map(), ...state };
    this.#learnAddresses(kept, sighting, source, nowMs);
    if (kept.addresses.size === 0) return 'ignored';
    this.#kept.set(instance, kept);
    return 'new';
  }

  /** Whoever heard an announcement can repeat it changed: what it says is believed from its own address, or its tag. */
  #seeAgain(
    known: Kept,
    state: Pick<Kept, 'tag' | 'joinOpen' | 'isMember'>,
    sighting: Sighting,
    source: string,
    nowMs: number,
  ): Seen {
    const before = JSON.stringify(show(known));
    if (state.isMember || isAddressOf(known, source)) Object.assign(known, state);
    else if (!this.#concerns(state)) return 'ignored';
    if (!this.#concerns(known)) {
      this.#kept.delete(known.instance);
      return 'gone';
    }
    this.#learnAddresses(known, sighting, source, nowMs);
    return JSON.stringify(show(known)) === before ? 'same' : 'changed';
  }

  /** Believed only from an address of the one who leaves. @returns whether it was there and is gone */
  goodbye(instance: InstanceName, source: string): boolean {
    const kept = this.#kept.get(instance);
    return kept !== undefined && isAddressOf(kept, source) && this.#kept.delete(instance);
  }

  /** Forgets what was not announced for too long. @returns who is gone, and who has fewer addresses */
  expire(nowMs: number): { readonly gone: InstanceName[]; readonly changed: InstanceName[] } {
    const changed: InstanceName[] = [];
    for (const kept of this.#kept.values()) {
      const count = kept.addresses.size;
      for (const [key, { seenMs }] of kept.addresses) {
        if (nowMs - seenMs > CANDIDATE_SILENCE_MAX_MS) kept.addresses.delete(key);
      }
      if (kept.addresses.size > 0 && kept.addresses.size < count) changed.push(kept.instance);
    }
    return { gone: this.#drop((kept) => kept.addresses.size === 0), changed };
  }

  /** This PC did not listen for a while: nobody can be blamed for silence until now. */
  forgive(nowMs: number): void {
    for (const kept of this.#kept.values()) for (const seen of kept.addresses.values()) seen.seenMs = nowMs;
  }

  clear(): InstanceName[] {
    return this.#drop(() => true);
  }

  #isMember(instance: InstanceName, tag: string | null): boolean {
    return this.#key !== null && tag !== null && isTagOf(tag, this.#key, instance);
  }

  #concerns(state: { readonly joinOpen: boolean; readonly isMember: boolean }): boolean {
    return this.#key === null ? state.joinOpen : state.isMember;
  }

  #learnAddresses(kept: Kept, { port, hosts }: Sighting, source: string, nowMs: number): void {
    for (const host of new Set([source, ...hosts])) {
      if (!this.#isDialable(host, source)) continue;
      const key = `${host} ${port}`;
      const seen = kept.addresses.get(key);
      if (seen !== undefined) seen.seenMs = nowMs;
      else if (this.#hasRoom(kept, nowMs)) kept.addresses.set(key, { address: { host, port }, seenMs: nowMs });
    }
  }

  /** A full set gives up an address that was not in the newest announcements. */
  #hasRoom(kept: Kept, nowMs: number): boolean {
    if (kept.addresses.size < CANDIDATE_ADDRESSES_MAX_COUNT) return true;
    const [oldest] = [...kept.addresses].toSorted(([, one], [, other]) => one.seenMs - other.seenMs);
    return oldest !== undefined && oldest[1].seenMs < nowMs && kept.addresses.delete(oldest[0]);
  }

  #drop(isToGo: (kept: Kept) => boolean): InstanceName[] {
    const gone = [...this.#kept.values()].filter(isToGo).map((kept) => kept.instance);
    for (const instance of gone) this.#kept.delete(instance);
    return gone;
  }
}

function show({ instance, addresses, joinOpen, isMember }: Kept): Candidate {
  return { instance, addresses: [...addresses.values()].map(({ address }) => address), joinOpen, isMember };
}

function isAddressOf(kept: Kept, host: string): boolean {
  return [...kept.addresses.values()].some(({ address }) => address.host === host);
}
