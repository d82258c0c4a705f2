/** Whom a PC that joins may ask: the announced PCs with an open invitation, those that are known and those that come. */
import { JOIN_CANDIDATES_MAX_COUNT, JOIN_SEARCH_MAX_MS } from '../../protocol/limits.js';
import type { Address } from '../../protocol/peer/info.js';
import type { Clock } from '../platform/clock.js';
import type { Candidate } from './candidates.js';

export class JoinWatch {
  readonly #clock: Clock;
  readonly #wakers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called when discovery has found or changed somebody. */
  found(): void {
    for (const wake of this.#wakers) wake();
  }

  /**
   * Each address once, until nobody new has come for a while, the signal aborts or the reader stops.
   *
   * Not a generator: one that waits could not be left by its reader before somebody comes.
   * @param look  who is announced now
   */
  addresses(look: () => readonly Candidate[], signal: AbortSignal): AsyncIterable<Address> {
    const seen = new Set<string>();
    const left = new AbortController();
    const ended = AbortSignal.any([signal, left.signal]);
    const fresh = (): Address | undefined =>
      look()
        .filter(({ joinOpen }) => joinOpen)
        .flatMap(({ addresses }) => addresses)
        .find((address) => !seen.has(key(address)));
    const next = async (): Promise<IteratorResult<Address>> => {
      while (!ended.aborted && seen.size < JOIN_CANDIDATES_MAX_COUNT) {
        const value = fresh();
        if (value === undefined) {
          if (await this.#isChanged(ended)) continue;
          break;
        }
        seen.add(key(value));
        return { done: false, value };
      }
      return { done: true, value: undefined };
    };
    const leave = async (): Promise<IteratorResult<Address>> => {
      left.abort();
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }

  /** Awaits a change. @returns false when none came in time */
  #isChanged(ended: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isChanged: boolean): void => {
        cancelTimer();
        this.#wakers.delete(wake);
        ended.removeEventListener('abort', stop);
        resolve(isChanged);
      };
      const wake = (): void => settle(true);
      const stop = (): void => settle(false);
      const cancelTimer = this.#clock.after(JOIN_SEARCH_MAX_MS, stop);
      this.#wakers.add(wake);
      ended.addEventListener('abort', stop, { once: true });
    });
  }
}

function key({ host, port }: Address): string {
  return `${host} ${port}`;
}
