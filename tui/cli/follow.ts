/**
 * Following rows of the agent until each has come to its end, for `get` and `print --wait`.
 *
 * The work is the agent's. So the first Ctrl+C only lets go of it, and says so; a second one within a moment
 * cancels it.
 */
import { PotluckError } from '../../protocol/errors.js';
import type { Row } from '../../protocol/local/model.js';
import type { Context } from './context.js';
import type { Progress } from './progress.js';

/** What can be followed. */
type Followed = 'transfers' | 'jobs';

export interface Follow<T extends Followed> {
  readonly context: Context;
  readonly table: T;
  /** The rows as they were when they were asked for. */
  readonly rows: readonly Row<T>[];
  readonly progress: Progress;
  isOver(row: Row<T>): boolean;
  /** Is it held up by somebody who is away? */
  isWaiting(row: Row<T>): boolean;
  progressText(rows: readonly Row<T>[]): string;
  /** Bounds how long all that is not over may be waiting; null for ever. */
  readonly waitMs: number | null;
  /** What the person is told when it is let go. */
  readonly letGoText: string;
  cancel(row: Row<T>): Promise<unknown>;
}

/** How it came to an end: every row is over, or the waiting was given up. */
export type End = 'over' | 'let-go' | 'waited';

export interface FollowResult<T extends Followed> {
  readonly end: End;
  /** In the order in which they were given. */
  readonly rows: readonly Row<T>[];
}

/** How long a second Ctrl+C is awaited after the first. */
const SECOND_MS = 2000;

/** @throws PotluckError NO_AGENT when the agent ends meanwhile; what cancelling failed with */
export async function follow<T extends Followed>(options: Follow<T>): Promise<FollowResult<T>> {
  const { context, table, progress } = options;
  const rows = new Map(options.rows.map((row) => [row.id, row]));
  const ended = new AbortController();
  const stop = (end: End): void => ended.abort(end);
  const interrupts = onInterrupt(
    () => {
      progress.clear();
      context.out.say(options.letGoText);
    },
    () => stop('let-go'),
    () => void cancelAll(),
  );
  const cancelAll = async (): Promise<void> => {
    const open = [...rows.values()].filter((row) => !options.isOver(row));
    const answers = await Promise.allSettled(open.map((row) => options.cancel(row)));
    // Its end is seen as that of any row; one that cannot be cancelled is let go.
    if (answers.some(({ status }) => status === 'rejected')) stop('let-go');
  };
  const patience = new Patience(options.waitMs, () => stop('waited'));
  try {
    look();
    const signal = AbortSignal.any([context.signal, ended.signal]);
    for await (const event of context.agent.watch(null, signal)) {
      if (event.type === 'snapshot') for (const [key, row] of event.tables[table] as [string, Row<T>][]) take(key, row);
      else if (event.type === 'put' && event.table === table) take(event.key, event.row);
      else if (event.type === 'del' && event.table === table && rows.has(event.key)) throw forgotten(event.key);
      look();
    }
  } catch (thrown) {
    if (!ended.signal.aborted) throw thrown;
  } finally {
    interrupts();
    patience.stop();
    progress.clear();
  }
  return { end: ended.signal.reason as End, rows: [...rows.values()] };

  function take(key: string, row: Row<T>): void {
    if (rows.has(key)) rows.set(key, row);
  }

  function look(): void {
    const open = [...rows.values()].filter((row) => !options.isOver(row));
    if (open.length === 0) stop('over');
    else progress.show(options.progressText([...rows.values()]));
    patience.set(open.length > 0 && open.every((row) => options.isWaiting(row)));
  }
}

/** Runs out when it has been asked for long enough without a break. */
class Patience {
  readonly #limitMs: number | null;
  readonly #call: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(limitMs: number | null, call: () => void) {
    this.#limitMs = limitMs;
    this.#call = call;
  }

  set(isWaiting: boolean): void {
    if (!isWaiting) this.stop();
    else if (this.#limitMs !== null) this.#timer ??= setTimeout(this.#call, this.#limitMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** @returns the function that ends it */
function onInterrupt(first: () => void, later: () => void, second: () => void): () => void {
  let timer: NodeJS.Timeout | null = null;
  const listener = (): void => {
    if (timer === null) {
      first();
      timer = setTimeout(later, SECOND_MS);
      return;
    }
    clearTimeout(timer);
    second();
  };
  process.on('SIGINT', listener);
  return () => {
    if (timer !== null) clearTimeout(timer);
    process.removeListener('SIGINT', listener);
  };
}

function forgotten(id: string): PotluckError {
  return new PotluckError('GONE', `${id}: the agent has forgotten it`);
}
