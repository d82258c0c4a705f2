/** Whom a PC that joins may ask: the announced PCs with an open invitation, those that are known and those that come. */
import type { Address } from '../../protocol/peer/info.js';
import { JOIN_CANDIDATES_MAX_COUNT } from '../../protocol/limits.js';
import type { Candidate } from './candidates.js';

export class JoinWatch {
  readonly #wakers = new Set<() => void>();

  /** To be called when discovery has found or changed somebody. */
  found(): void {
    for (const wake of this.#wakers) wake();
  }

  /** Each address once, until the signal aborts. @param look  who is announced now */
  async *addresses(look: () => readonly Candidate[], signal: AbortSignal): AsyncGenerator<Address> {
    const seen = new Set<string>();
    while (!signal.aborted) {
      const fresh = look()
        .filter(({ joinOpen }) => joinOpen)
        .flatMap(({ addresses }) => addresses)
        .filter(({ host, port }) => !seen.has(`${host} ${port}`));
      for (const address of fresh) {
        seen.add(`${address.host} ${address.port}`);
        if (seen.size > JOIN_CANDIDATES_MAX_COUNT) return;
        yield address;
      }
      if (fresh.length === 0) await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
