/**
 * When to ask who is there: at once, soon again, and then ever more rarely; and seldom while others ask.
 *
 * Everybody hears the answers to everybody's questions, so one question on a network is enough for all (RFC 6762 §7.3);
 * the chance in each interval makes another PC the first one each time. But a question that only this PC hears would
 * silence it, so it never stays silent for as long as a candidate may. Pure: times and chance come in.
 */
import assert from 'node:assert/strict';
import { CANDIDATE_SILENCE_MAX_MS, DISCOVERY_QUERY_INTERVAL_MS } from '../../protocol/limits.js';

const FIRST_INTERVAL_MS = 1000;
/** An interval is longer by up to this share of it. */
const JITTER = 0.15;
const SILENT_MAX_MS = 2.5 * DISCOVERY_QUERY_INTERVAL_MS;

assert(SILENT_MAX_MS < CANDIDATE_SILENCE_MAX_MS, 'a candidate is asked before it is gone');

export class QuerySchedule {
  #sentAtMs: number | null = null;
  #dueAtMs: number;
  /** Between the newest question and the next one. */
  #waitMs = 0;
  #intervalMs = FIRST_INTERVAL_MS;

  constructor(nowMs: number) {
    this.#dueAtMs = nowMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueAtMs;
  }

  /** @param random  in [0, 1) */
  sent(nowMs: number, random: number): void {
    this.#sentAtMs = nowMs;
    this.#waitMs = this.#intervalMs * (1 + JITTER * random);
    this.#dueAtMs = nowMs + this.#waitMs;
    this.#intervalMs = Math.min(this.#intervalMs * 2, DISCOVERY_QUERY_INTERVAL_MS);
  }

  /** Somebody on the same network asked; it may have been this PC. The first question is asked in any case. */
  heard(nowMs: number): void {
    if (this.#sentAtMs === null) return;
    const later = Math.min(nowMs + this.#waitMs, this.#sentAtMs + SILENT_MAX_MS);
    this.#dueAtMs = Math.max(this.#dueAtMs, later);
  }

  /** Somebody waits for the answer: ask again now, but not twice in a second. */
  hasten(nowMs: number): void {
    this.#intervalMs = FIRST_INTERVAL_MS;
    this.#dueAtMs = Math.max(nowMs, (this.#sentAtMs ?? Number.NEGATIVE_INFINITY) + FIRST_INTERVAL_MS);
  }
}
