/**
 * `GET /v1/watch?after=N`: the board as one JSON object a line; a snapshot first where it is needed, then
 * every change in order.
 *
 * A watcher is nothing but a number, the last change it was sent: what it has not read yet stays on the
 * board. Changes of one turn go out as one write. One that reads slowly gets, when it reads again, what the board
 * still has, or a new snapshot; one that does not read at all is cut. So a watcher costs a bounded amount of memory.
 *
 * Numbers on the wire begin at a random one, so that a number of another run of the agent is never taken for
 * one of this run.
 */
import { randomInt } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WATCH_ALIVE_INTERVAL_MS, WATCH_STALL_MAX_MS } from '../../protocol/limits.js';
import { TABLES, type TableName } from '../../protocol/local/model.js';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';

const NAMES = Object.keys(TABLES) as TableName[];
const FIRST_MAX = 2 ** 47;

export class Watchers {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  readonly #first = randomInt(FIRST_MAX);

  constructor(board: Board, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const after = afterOf(request);
    if (after === undefined) {
      response.writeHead(400, { 'content-type': 'application/json', connection: 'close' });
      response.end('{"error":{"code":"BAD_MESSAGE","message":"watch takes after=N, N a number of a change"}}');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const watcher = new Watcher({ board: this.#board, clock: this.#clock, response, first: this.#first, after });
    this.#watchers.add(watcher);
    response.once('close', () => {
      watcher.close();
      this.#watchers.delete(watcher);
    });
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
  }
}

interface NumberedEvent {
  readonly type: 'snapshot' | 'put' | 'del' | 'alive';
  readonly seq: number;
}

interface WatcherOptions {
  readonly board: Board;
  readonly clock: Clock;
  readonly response: ServerResponse;
  /** What is added to the board's numbers. */
  readonly first: number;
  /** The number on the wire after which to go on; null for a snapshot. */
  readonly after: number | null;
}

class Watcher {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #response: ServerResponse;
  readonly #unsubscribe: () => void;
  readonly #first: number;
  /** The board's number of the last change that was sent; null before the first snapshot. */
  #sent: number | null;
  #isScheduled = false;
  #isClosed = false;
  #cancelAlive: () => void = () => undefined;
  #cancelStall: (() => void) | null = null;

  constructor({ board, clock, response, first, after }: WatcherOptions) {
    this.#board = board;
    this.#clock = clock;
    this.#response = response;
    this.#first = first;
    this.#sent = after === null ? null : after - first;
    this.#unsubscribe = board.subscribe(() => this.#schedule());
    // A watcher that is killed resets; 'close' follows and is what counts.
    response.on('error', () => undefined);
    response.on('drain', () => {
      this.#cancelStall?.();
      this.#cancelStall = null;
      this.#flush();
    });
    this.#flush();
    this.#aliveLater();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsubscribe();
    this.#cancelAlive();
    this.#cancelStall?.();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed || this.#cancelStall !== null) return;
    const changes = this.#sent === null ? null : this.#board.since(this.#sent);
    this.#sent = this.#board.seq;
    if (changes === null) this.#write([snapshotOf(this.#board)]);
    else if (changes.length > 0) this.#write(changes);
  }

  #aliveLater(): void {
    this.#cancelAlive = this.#clock.after(WATCH_ALIVE_INTERVAL_MS, () => {
      if (this.#cancelStall === null) this.#write([{ type: 'alive', seq: this.#sent ?? this.#board.seq }]);
      this.#aliveLater();
    });
  }

  #write(events: readonly NumberedEvent[]): void {
    const lines = events.map((event) => `${JSON.stringify({ ...event, seq: this.#first + event.seq })}\n`);
    if (this.#response.write(lines.join(''))) return;
    this.#cancelStall ??= this.#clock.after(WATCH_STALL_MAX_MS, () => this.#response.destroy());
  }
}

function snapshotOf(board: Board): NumberedEvent & { readonly tables: object } {
  const tables = Object.fromEntries(NAMES.map((name) => [name, board.entries(name)]));
  return { type: 'snapshot', seq: board.seq, tables };
}

/** The number after which to go on; null when there is none; undefined when the request is not one of ours. */
function afterOf(request: IncomingMessage): number | null | undefined {
  const match = /^\/v1\/watch(?:\?after=(\d{1,15}))?$/.exec(request.url ?? '');
  if (match === null || request.method !== 'GET') return undefined;
  return match[1] === undefined ? null : Number(match[1]);
}
