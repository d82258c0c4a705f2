/**
 * Turns at something that a stranger may start: few at once, and from one address only every so often.
 *
 * Whoever comes too early waits for the turn instead of being refused, so that two PCs behind one address
 * both get in; the wait itself holds one of the few places.
 */
import type { Clock } from '../platform/clock.js';
import { addressKey } from './unproved.js';

export interface TurnsOptions {
  readonly clock: Clock;
  readonly atOnceMax: number;
  readonly intervalMs: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  /** When the next turn of an address may begin. */
  readonly #nextAtMs = new Map<string, number>();
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Waits for a turn.
   * @returns the function that ends it; null when all places are taken
   */
  async take(address: string, signal: AbortSignal): Promise<(() => void) | null> {
    const { clock, atOnceMax, intervalMs } = this.#options;
    if (this.#running >= atOnceMax) return null;
    this.#running += 1;
    const key = addressKey(address);
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, this.#nextAtMs.get(key) ?? 0);
    for (const [other, next] of this.#nextAtMs) if (next <= nowMs) this.#nextAtMs.delete(other);
    this.#nextAtMs.set(key, atMs + intervalMs);
    try {
      if (atMs > nowMs) await clock.sleep(atMs - nowMs, signal);
    } catch (thrown) {
      this.#running -= 1;
      throw thrown;
    }
    let isOver = false;
    return () => {
      if (!isOver) this.#running -= 1;
      isOver = true;
    };
  }
}
