/**
 * Keeps the mirror of the agent's tables true: follows `watch`, and begins anew with a snapshot when an
 * event is missing or the agent went away. The last picture stays while it is away.
 *
 * Numbers of events belong to one run of the agent, so after a break they are not continued.
 */
import { toPotluckError } from '../../protocol/errors.js';
import type { AgentClient } from '../client/agent-client.js';
import type { AppStore } from './app-store.js';

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 1_000;

export interface SyncClock {
  /** Unix ms. */
  readonly now: () => number;
  /** Waits; rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Runs until `signal` is aborted, then resolves. */
export async function followAgent(
  client: AgentClient,
  store: AppStore,
  clock: SyncClock,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = RETRY_MIN_MS;
  while (!signal.aborted) {
    const heard = await listen(client, store, clock.now, signal);
    if (signal.aborted) return;
    retryMs = heard ? RETRY_MIN_MS : Math.min(retryMs * 2, RETRY_MAX_MS);
    await clock.sleep(retryMs, signal).catch(() => undefined);
  }
}

/** @returns whether the agent told anything before the connection ended */
async function listen(client: AgentClient, store: AppStore, now: () => number, signal: AbortSignal): Promise<boolean> {
  // Leaving the loop ends the connection through this signal too, however the iterator is made.
  const session = new AbortController();
  let seq: number | null = null;
  let because = '';
  try {
    for await (const event of client.watch(null, AbortSignal.any([signal, session.signal]))) {
      const isNext =
        event.type === 'snapshot' || event.seq === (event.type === 'alive' ? seq : (seq ?? Number.NaN) + 1);
      if (!isNext) return true;
      seq = event.seq;
      store.dispatch({ type: 'event', event, now: now() }, event.type === 'snapshot' ? 'now' : 'frame');
    }
  } catch (thrown) {
    because = toPotluckError(thrown).message;
  } finally {
    session.abort();
  }
  if (!signal.aborted) {
    const { seq: known } = store.getSnapshot().agent;
    store.dispatch({ type: 'link', link: known === null ? 'absent' : 'lost', because }, 'now');
  }
  return seq !== null;
}
