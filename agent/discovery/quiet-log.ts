/**
 * Warnings about the network, each kind at most once a minute: whoever sends bad packets must not fill the log.
 */
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';

const SILENCE_MS = 60_000;

export class QuietLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { untilMs: number; unsaid: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param kind  one of a few words of the caller's  @param code  a system's code, or '' */
  warn(kind: string, code: string): void {
    const nowMs = this.#clock.nowMs();
    const said = this.#kinds.get(kind);
    if (said !== undefined && nowMs < said.untilMs) {
      said.unsaid += 1;
      return;
    }
    this.#log.warn(kind, { error: code, before: said?.unsaid ?? 0 });
    this.#kinds.set(kind, { untilMs: nowMs + SILENCE_MS, unsaid: 0 });
  }
}
