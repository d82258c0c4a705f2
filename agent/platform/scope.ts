/**
 * Who owns what: a scope closes the things opened under it in reverse order, once, also when one of
 * them fails to close.
 *
 * The rule of the house: whoever opens a thing gives it to its own scope on the next line, and nobody
 * closes what somebody else opened.
 */

export interface Closable {
  /** Idempotent. Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

export class Scope implements Closable {
  readonly #owned: Closable[] = [];
  readonly #abort = new AbortController();
  #closed: Promise<void> | null = null;

  /** Aborted at the moment the scope begins to close; hand it to every wait below. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** @throws Error when the scope is closed already: nothing would close the thing */
  own<T extends Closable>(thing: T): T {
    if (this.#closed !== null) throw new Error('the scope is closed');
    this.#owned.push(thing);
    return thing;
  }

  /** Owns a clean-up that is not an object of its own. */
  defer(cleanup: () => unknown): void {
    this.own({ close: async () => void (await cleanup()) });
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.#abort.abort();
    const failures: unknown[] = [];
    for (const thing of this.#owned.toReversed()) {
      try {
        await thing.close();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    this.#owned.length = 0;
    if (failures.length > 0) throw new AggregateError(failures, 'not everything closed cleanly');
  }
}
