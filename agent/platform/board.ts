/**
 * What the clients of this agent see: tables of rows, kept here by the features and read by the local
 * API. Each change has a number, and the newest changes are kept, so that a client that lost its
 * connection can go on where it was.
 *
 * A row that is put again unchanged is no change. Rows are values: never mutate one that was put.
 */
import { isDeepStrictEqual } from 'node:util';
import { WATCH_RING_COUNT } from '../../protocol/limits.js';
import { type Row, TABLES, type TableName } from '../../protocol/local/model.js';

export type BoardChange =
  | {
      readonly type: 'put';
      readonly seq: number;
      readonly table: TableName;
      readonly key: string;
      readonly row: unknown;
    }
  | { readonly type: 'del'; readonly seq: number; readonly table: TableName; readonly key: string };

export class Board {
  readonly #tables: Readonly<Record<TableName, Map<string, unknown>>>;
  readonly #listeners = new Set<(change: BoardChange) => void>();
  readonly #ring: BoardChange[] = [];
  #seq = 0;

  constructor() {
    const names = Object.keys(TABLES) as TableName[];
    this.#tables = Object.fromEntries(names.map((name) => [name, new Map()])) as unknown as Record<
      TableName,
      Map<string, unknown>
    >;
  }

  /** Number of the newest change. */
  get seq(): number {
    return this.#seq;
  }

  put<T extends TableName>(table: T, key: string, row: Row<T>): void {
    const rows = this.#tables[table];
    if (isDeepStrictEqual(rows.get(key), row)) return;
    rows.set(key, row);
    this.#announce({ type: 'put', seq: this.#seq + 1, table, key, row });
  }

  delete(table: TableName, key: string): void {
    if (this.#tables[table].delete(key)) this.#announce({ type: 'del', seq: this.#seq + 1, table, key });
  }

  get<T extends TableName>(table: T, key: string): Row<T> | undefined {
    return this.#tables[table].get(key) as Row<T> | undefined;
  }

  /** Every row of a table, in the order in which they were first put. */
  rows<T extends TableName>(table: T): Row<T>[] {
    return [...this.#tables[table].values()] as Row<T>[];
  }

  entries(table: TableName): [string, unknown][] {
    return [...this.#tables[table].entries()];
  }

  /** The changes after `seq`, or null when they are not all kept any more (then a snapshot is needed). */
  since(seq: number): readonly BoardChange[] | null {
    const oldest = this.#ring[0]?.seq ?? this.#seq + 1;
    if (seq > this.#seq || seq + 1 < oldest) return null;
    return this.#ring.slice(seq + 1 - oldest);
  }

  /** @returns the function that unsubscribes */
  subscribe(listener: (change: BoardChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #announce(change: BoardChange): void {
    this.#seq = change.seq;
    this.#ring.push(change);
    if (this.#ring.length > WATCH_RING_COUNT) this.#ring.shift();
    for (const listener of this.#listeners) listener(change);
  }
}
