/**
 * Children of a test: started with their output kept, awaited by what they print, and never left behind.
 *
 * A child stays in the process group of its test file, which the runner ends as a whole at the limit of the
 * file; only one that has descendants of its own (`group`) leads a group, so that all of it can be ended here.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './spec.js';

/** What is kept of each output stream: the newest part. */
const OUTPUT_MAX_CHARS = 4 * 1024 * 1024;
const LINE_LIMIT_MS = 10_000;
const END_LIMIT_MS = 5_000;
const RUN_LIMIT_MS = 60_000;

/** How a process ended. `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whole identity of another user: uid and gid. */
  readonly uid?: number;
  /** Leads a process group of its own, which is ended as a whole. */
  readonly group?: boolean;
  /** Written to its standard input, which is then closed. */
  readonly input?: string | Uint8Array;
}

/** A running process of a test. */
export class Child {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #label: string;
  readonly #group: boolean;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #output = { stdout: '', stderr: '' };
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(label: string, child: ChildProcessWithoutNullStreams, group: boolean) {
    if (child.pid === undefined) throw new Error(`${label} has no process id`);
    this.pid = child.pid;
    this.#label = label;
    this.#group = group;
    this.#process = child;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => this.#take(name, text));
    }
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#isOver = true;
        resolve({ code, signal, ...this.#output });
        this.#wake();
      });
    });
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  /**
   * The first line of either output, already printed or still to come, that matches.
   * @throws Error when the process ends before, or at the limit; its last output is in the message
   */
  async line(pattern: RegExp, limitMs: number = LINE_LIMIT_MS): Promise<RegExpExecArray> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, limitMs);
    try {
      for (;;) {
        const found = this.#match(pattern);
        if (found !== null) return found;
        const why = this.#isOver ? 'ended before' : isLate ? `not within ${limitMs} ms` : null;
        if (why !== null) throw new Error(`${this.#label}: no line ${String(pattern)}, ${why}\n${this.tail()}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The newest output of both streams, for a message of failure. */
  tail(): string {
    return `${this.stdout.slice(-2000)}\n${this.stderr.slice(-2000)}`.trim();
  }

  signal(name: NodeJS.Signals): void {
    try {
      process.kill(this.#group ? -this.pid : this.pid, name);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
    }
  }

  /** Asks it to end, makes it end at the limit, and resolves when it is gone. Idempotent. */
  async end(name: NodeJS.Signals = 'SIGTERM', limitMs: number = END_LIMIT_MS): Promise<Ended> {
    if (!this.#isOver) this.signal(name);
    const timer = setTimeout(() => this.signal('SIGKILL'), limitMs);
    // Descendants of a group may outlive its leader and hold its output open.
    if (this.#group) this.#process.once('exit', () => this.signal('SIGKILL'));
    const ended = await this.ended;
    clearTimeout(timer);
    return ended;
  }

  #take(name: 'stdout' | 'stderr', text: string): void {
    this.#output[name] = (this.#output[name] + text).slice(-OUTPUT_MAX_CHARS);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Looks at whole lines only: half of one may match what its end would not. */
  #match(pattern: RegExp): RegExpExecArray | null {
    for (const text of [this.stdout, this.stderr]) {
      const lines = text.split('\n');
      if (!this.#isOver) lines.pop();
      for (const line of lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
    }
    return null;
  }
}

/** Starts a process and ends it with the case. @throws Error when there is no such program */
export async function start(
  t: Pick<Case, 'defer'>,
  file: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Child> {
  const child = await launch(file, args, options);
  t.defer(() => child.end());
  return child;
}

/**
 * Runs a process to its end, whatever its code. At the limit it is killed and the result says so by its signal.
 * @throws Error when there is no such program
 */
export async function run(
  file: string,
  args: readonly string[],
  options: StartOptions & { readonly limitMs?: number } = {},
): Promise<Ended> {
  const child = await launch(file, args, options);
  const timer = setTimeout(() => child.signal('SIGKILL'), options.limitMs ?? RUN_LIMIT_MS);
  const ended = await child.ended;
  clearTimeout(timer);
  return ended;
}

/** Runs a process that has to succeed; its standard output. @throws Error with what it printed otherwise */
export async function must(
  file: string,
  args: readonly string[],
  options: StartOptions & { readonly limitMs?: number } = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(file, args, options);
  if (code === 0) return stdout;
  throw new Error(`${file} ${args.join(' ')}: ${signal ?? `exit ${code}`}\n${stdout}${stderr}`.trim());
}

/**
 * Asks again and again until the answer is there: for states of the outside world that send no event.
 * @throws Error with the last answer at the limit
 */
export async function until<T>(
  what: string,
  ask: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  limitMs: number = LINE_LIMIT_MS,
  everyMs = 50,
): Promise<T> {
  const limit = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > limit) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(everyMs);
  }
}

function launch(file: string, args: readonly string[], options: StartOptions): Promise<Child> {
  const group = options.group ?? false;
  const child = spawn(file, args, {
    stdio: 'pipe',
    detached: group,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  // A program that does not read its input to the end is no failure of the test.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  return new Promise((resolve, reject) => {
    child.once('error', (thrown) => reject(new Error(`${file} cannot be started`, { cause: thrown })));
    child.once('spawn', () => resolve(new Child(`${file} ${args.slice(0, 3).join(' ')}`, child, group)));
  });
}
