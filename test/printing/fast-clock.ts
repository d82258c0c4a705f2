/** A clock that runs faster than the wall, for what polls and waits by design. */
import { systemClock, type Clock } from '../../agent/platform/clock.js';

const TIMES = 50;

export const fastClock: Clock = {
  nowMs: () => systemClock.nowMs() * TIMES,
  wallMs: () => systemClock.wallMs(),
  sleep: (ms, signal) => systemClock.sleep(ms / TIMES, signal),
  after: (ms, call) => systemClock.after(ms / TIMES, call),
};
