/**
 * What a command may use: the store, the agent, the disk, the terminal. Commands act; what they decide is
 * in reasons.ts, dispatch.ts and store/.
 */
import { toPotluckError } from '../../protocol/errors.js';
import type { LocalAnswer, LocalInput, LocalMethod } from '../../protocol/local/api.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import type { AgentClient } from '../client/agent-client.js';
import type { AppStore } from '../store/app-store.js';
import type { Action } from '../store/reduce.js';
import type { AppState, Dialog, Level } from '../store/state.js';
import type { LocalFiles } from './local-files.js';

export interface Terminal {
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Hands the terminal back to the shell until the process is continued; null where the system cannot. */
  readonly suspend: (() => Promise<void>) | null;
  /** Ends the UI. `farewell` is printed where the person then is. */
  readonly leave: (farewell: string) => void;
}

export interface ShellParts {
  readonly store: AppStore;
  readonly client: AgentClient;
  readonly files: LocalFiles;
  readonly paths: LocalPaths;
  readonly terminal: Terminal;
  /** Starts an agent in the background; resolves when it answers. */
  readonly startAgent: (signal: AbortSignal) => Promise<void>;
  /** Unix ms. */
  readonly now: () => number;
  /** Aborted when the UI ends. */
  readonly signal: AbortSignal;
}

/** Things of which only the newest is wanted: a newer one aborts the one before. */
type Task = 'browse' | 'page' | 'complete' | 'setup' | 'startup';

export class Shell {
  readonly store: AppStore;
  readonly files: LocalFiles;
  readonly paths: LocalPaths;
  readonly terminal: Terminal;
  readonly startAgent: (signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly #client: AgentClient;
  readonly #tasks = new Map<Task, AbortController>();

  constructor(parts: ShellParts) {
    this.store = parts.store;
    this.files = parts.files;
    this.paths = parts.paths;
    this.terminal = parts.terminal;
    this.startAgent = parts.startAgent;
    this.now = parts.now;
    this.signal = parts.signal;
    this.#client = parts.client;
  }

  get state(): AppState {
    return this.store.getSnapshot();
  }

  do(action: Action): void {
    this.store.dispatch(action, 'now');
  }

  open(dialog: Dialog): void {
    this.do({ type: 'open', dialog });
  }

  /** @throws PotluckError what the agent answered, NO_AGENT, CANCELLED */
  call<M extends LocalMethod>(method: M, input: LocalInput<M>, signal = this.signal): Promise<LocalAnswer<M>> {
    return this.#client.call(method, input, signal);
  }

  /** Makes a call that was held as a value. */
  async perform<M extends LocalMethod>(call: { readonly method: M; readonly input: LocalInput<M> }): Promise<void> {
    await this.call(call.method, call.input);
  }

  /** The signal of a task; the one before of the same kind is aborted. */
  begin(task: Task): AbortSignal {
    this.stop(task);
    const controller = new AbortController();
    this.#tasks.set(task, controller);
    return AbortSignal.any([controller.signal, this.signal]);
  }

  /** @returns whether there was one */
  stop(task: Task): boolean {
    const running = this.#tasks.get(task);
    this.#tasks.delete(task);
    running?.abort();
    return running !== undefined;
  }

  say(level: Level, text: string, code: string | null = null): void {
    this.do({ type: 'toast', toast: { level, text, code, at: this.now() } });
  }

  /** Says why a key does nothing; nothing happened, so Activity does not keep it. */
  hint(text: string): void {
    this.do({ type: 'hint', toast: { level: 'warn', text, code: null, at: this.now() } });
  }

  /** Shows what went wrong; a thing that the person stopped did not go wrong. */
  fail(thrown: unknown): void {
    const error = toPotluckError(thrown);
    if (error.code === 'CANCELLED' || this.signal.aborted) return;
    this.say('error', error.hint === undefined ? error.message : `${error.message} – try: ${error.hint}`, error.code);
  }

  /** Shows `…` at a row while `work` runs. */
  async pending<T>(id: string, what: string, work: () => Promise<T>): Promise<T> {
    this.do({ type: 'pending', id, what });
    try {
      return await work();
    } finally {
      this.do({ type: 'pending', id, what: null });
    }
  }
}
