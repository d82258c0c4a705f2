/**
 * What happens inside the agent, announced to whoever listens: lower floors announce here, higher
 * floors subscribe. Nobody is answered, and a listener that throws disturbs neither the others nor
 * the announcer.
 */
import type { PeerId } from '../../protocol/ids.js';

/** Events are past: each names what has happened. */
export interface AgentEvents {
  /** A link to a member is up (proved, roster agreed). */
  'peer.online': { readonly peer: PeerId };
  /** The last link to a peer is gone. */
  'peer.offline': { readonly peer: PeerId };
  /** Something that is shown about a peer changed: its name, addresses, state or info. */
  'peer.changed': { readonly peer: PeerId };
  /** The roster, the workgroup or an invitation changed. */
  'workgroup.changed': { readonly removed: readonly PeerId[] };
  /** What this PC offers to coworkers changed. */
  'offer.changed': { readonly what: 'shares' | 'printers' };
}

export type AgentEvent = keyof AgentEvents;

export class Events {
  readonly #listeners = new Map<AgentEvent, Set<(detail: never) => void>>();
  readonly #onError: (thrown: unknown) => void;

  /** @param onError  told of what a listener threw */
  constructor(onError: (thrown: unknown) => void) {
    this.#onError = onError;
  }

  /** @returns the function that unsubscribes */
  on<E extends AgentEvent>(event: E, listener: (detail: AgentEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<E extends AgentEvent>(event: E, detail: AgentEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (detail: AgentEvents[E]) => void)(detail);
      } catch (thrown) {
        this.#onError(thrown);
      }
    }
  }
}
