/**
 * An agent as the terminal UI sees it, in the process of the test: tables that are watched and calls that
 * are recorded. What it does by itself is what an agent would do to its tables; a test replaces any
 * answer with its own.
 */
import { Board, type BoardChange } from '../../agent/platform/board.js';
import { PotluckError } from '../../protocol/errors.js';
import type { LocalAnswer, LocalInput, LocalMethod } from '../../protocol/local/api.js';
import type { WatchEvent, WatchSnapshot } from '../../protocol/local/events.js';
import type { Row, TableName } from '../../protocol/local/model.js';
import type { AgentClient } from '../../tui/client/agent-client.js';
import { defaultAnswers, type Answers } from './fake-answers.js';
import type { Folders, Rows } from './fake-office.js';

export class FakeClient implements AgentClient {
  readonly board = new Board();
  readonly folders: Folders;
  /** Every call in its order. */
  readonly asked: { readonly method: LocalMethod; readonly input: unknown }[] = [];
  /** Calls that are not answered yet. */
  open = 0;
  #answers: Answers;
  #isAway = false;
  readonly #watchers = new Set<(failure: PotluckError) => void>();

  constructor(rows: Rows, folders: Folders = new Map()) {
    for (const table of Object.keys(rows) as TableName[]) {
      for (const row of rows[table] ?? []) this.board.put(table, keyOf(table, row), row);
    }
    this.folders = folders;
    this.#answers = defaultAnswers(this);
  }

  /** The inputs of the calls of one method. */
  calls<M extends LocalMethod>(method: M): LocalInput<M>[] {
    return this.asked.filter((call) => call.method === method).map((call) => call.input as LocalInput<M>);
  }

  answer<M extends LocalMethod>(
    method: M,
    answer: (input: LocalInput<M>, signal: AbortSignal) => Promise<LocalAnswer<M>>,
  ): void {
    this.#answers = { ...this.#answers, [method]: answer };
  }

  /** What it answers now, to be changed in part. */
  answerOf<M extends LocalMethod>(method: M): (input: LocalInput<M>, signal: AbortSignal) => Promise<LocalAnswer<M>> {
    const answer = this.#answers[method];
    if (answer === undefined) throw new Error(`there is no answer to ${method}`);
    return answer;
  }

  refuse(method: LocalMethod, failure: PotluckError): void {
    this.#answers = { ...this.#answers, [method]: () => Promise.reject(failure) };
  }

  /** As when the agent is ended: watches break, calls fail. */
  goAway(): void {
    this.#isAway = true;
    for (const fail of this.#watchers) fail(noAgent());
  }

  comeBack(): void {
    this.#isAway = false;
  }

  async call<M extends LocalMethod>(method: M, input: LocalInput<M>, signal: AbortSignal): Promise<LocalAnswer<M>> {
    signal.throwIfAborted();
    if (this.#isAway) throw noAgent();
    this.asked.push({ method, input });
    const answer = this.#answers[method];
    if (answer === undefined) throw new PotluckError('UNSUPPORTED', `the test wrote no ${method}`);
    this.open += 1;
    try {
      return await withSignal(answer(input, signal), signal);
    } finally {
      this.open -= 1;
    }
  }

  async *watch(after: number | null, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    if (this.#isAway) throw noAgent();
    if (after !== null) throw new Error('the UI never continues after a break');
    const events: WatchEvent[] = [snapshotOf(this.board)];
    let failure: Error | null = null;
    let wake: () => void = ignore;
    const unsubscribe = this.board.subscribe((change) => {
      events.push(eventOf(change));
      wake();
    });
    const fail = (thrown: Error): void => {
      failure = thrown;
      wake();
    };
    const stop = (): void => fail(new PotluckError('CANCELLED', 'cancelled'));
    this.#watchers.add(fail);
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (;;) {
        while (events.length > 0) yield* events.splice(0);
        if (failure !== null) throw failure as Error;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      unsubscribe();
      this.#watchers.delete(fail);
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    // There is nothing to close.
  }
}

function keyOf(table: TableName, row: Row<TableName>): string {
  if (table === 'self') return 'self';
  return table === 'printers' ? (row as Row<'printers'>).uri : (row as { readonly id: string }).id;
}

function snapshotOf(board: Board): WatchSnapshot {
  const names = ['self', 'peers', 'shares', 'transfers', 'printers', 'jobs', 'notices'] as const;
  const tables = Object.fromEntries(names.map((name) => [name, board.entries(name)]));
  return { type: 'snapshot', seq: board.seq, tables: tables as WatchSnapshot['tables'] };
}

function eventOf(change: BoardChange): WatchEvent {
  return change as WatchEvent;
}

function ignore(): void {
  // Nobody waits yet.
}

function noAgent(): PotluckError {
  return new PotluckError('NO_AGENT', 'no agent is running on this PC', { hint: 'potluck agent' });
}

/** As the real client: an abort withdraws the question at once. */
function withSignal<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new PotluckError('CANCELLED', 'cancelled'));
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
