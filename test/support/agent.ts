/**
 * Real agents for tests: the program as it is shipped, started as a process from the compiled tree of this
 * run, with a home of its own, and spoken to only through the command line.
 *
 * On loopback (the default) nothing is announced and peers are dialled by port. Inside a host of the lab an
 * agent runs as on an office PC. It never sees this machine's own print system, user folder or settings.
 */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from './lab.js';
import { run, start, type Child, type Ended } from './process.js';
import type { Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

const PROGRAM = fileURLToPath(new URL('../../tui/main.js', import.meta.url));
const READY_LIMIT_MS = 15_000;
const CLI_LIMIT_MS = 60_000;
const NOBODY = 65534;

/** Another user than the one who runs the tests. */
type Identity = 'self' | 'unprivileged' | 'nobody';

/**
 * What stands before the program to change who it is; all of it needs root.
 * `unprivileged`: root to whom the modes of files apply, so that an unreadable folder is unreadable.
 * `nobody`: another user, who may still read the program itself wherever this tree lies.
 */
const BECOME: Readonly<Record<Identity, readonly string[]>> = {
  self: [],
  unprivileged: ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'],
  nobody: [
    'setpriv',
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
  ],
};

export interface AgentOptions {
  readonly name: string;
  /** A host of the lab; loopback of this machine when left out. */
  readonly host?: Host;
  /** Loopback ports of the peers to dial. */
  readonly peers?: readonly number[];
  /** More flags of `potluck agent`. */
  readonly flags?: readonly string[];
  /** More of the environment, for the agent and its command line. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it keeps everything; a folder that goes with the case when left out. */
  readonly home?: string;
  readonly as?: Identity;
}

/** How a verb ended, and what it printed with `--json`: null when that was no JSON document. */
export interface Answer extends Ended {
  readonly json: unknown;
}

interface Ready {
  readonly id: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** Starts an agent that ends with the case, and resolves when it says that it is ready. */
export async function openAgent(t: Case, options: AgentOptions): Promise<Agent> {
  const agent = new Agent(t, options);
  await agent.start();
  return agent;
}

/** One PC's agent with its command line; its home stays while the agent ends and starts again. */
export class Agent {
  readonly name: string;
  readonly home: string;
  /** The folder of its user: HOME, and where downloads go unless told. */
  readonly user: string;
  readonly #t: Case;
  readonly #options: AgentOptions;
  #process: Child | null = null;
  #ready: Ready | null = null;

  constructor(t: Case, options: AgentOptions) {
    this.#t = t;
    this.#options = options;
    this.name = options.name;
    const folder = options.home === undefined ? temporaryFolder(t) : path.dirname(options.home);
    this.home = options.home ?? path.join(folder, 'agent');
    this.user = path.join(folder, 'user');
    chmodSync(folder, 0o755);
    for (const place of [this.home, this.user]) {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      if (options.as === 'nobody') chownSync(place, NOBODY, NOBODY);
    }
  }

  get id(): string {
    return this.#isReady().id;
  }

  get port(): number {
    return this.#isReady().port;
  }

  get addresses(): readonly string[] {
    return this.#isReady().addresses;
  }

  get process(): Child {
    if (this.#process === null) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  /** Starts it, again with the port it had, and resolves when it is ready. */
  async start(): Promise<void> {
    const { flags = [], peers = [] } = this.#options;
    const args = ['agent', '--json', '--name', this.name, ...(process.getuid?.() === 0 ? ['--allow-root'] : [])];
    if (this.#options.host === undefined) {
      args.push('--loopback', '--listen', '127.0.0.1', '--port', String(this.#ready?.port ?? 0), '--no-discovery');
      for (const port of peers) args.push('--peer', `127.0.0.1:${port}`);
    }
    const [file, all] = this.#command([...args, ...flags]);
    this.#process = await start(this.#t, file, all, { env: this.env });
    const [line] = await this.#process.line(/^\{"event":"ready".*\}$/, READY_LIMIT_MS);
    this.#ready = JSON.parse(line) as Ready;
  }

  /** Asks it to end, as a log-out does. */
  stop(): Promise<Ended> {
    return this.process.end('SIGTERM');
  }

  /** Ends it without a chance to write or say anything. */
  kill9(): Promise<Ended> {
    return this.process.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Runs a verb with `--json`, whatever comes of it. */
  async cli(...args: readonly string[]): Promise<Answer> {
    const ended = await this.text(...args, '--json');
    return { ...ended, json: parse(ended.stdout) };
  }

  /** Runs a verb that has to succeed; the JSON it printed. @throws Error with what it said otherwise */
  async ask<T>(...args: readonly string[]): Promise<T> {
    const { code, json, stdout, stderr } = await this.cli(...args);
    if (code === 0 && json !== null) return json as T;
    throw new Error(`${this.name}: potluck ${args.join(' ')}: exit ${code}\n${stdout}${stderr}${this.process.tail()}`);
  }

  /** Runs a verb as a person sees it, without `--json`. */
  text(...args: readonly string[]): Promise<Ended> {
    return this.runAs(this.#options.as ?? 'self', ...args);
  }

  /** Runs a verb against this home as somebody else. */
  runAs(identity: Identity, ...args: readonly string[]): Promise<Ended> {
    const [file, all] = this.#command(args, identity);
    return run(file, all, { env: this.env, limitMs: CLI_LIMIT_MS, cwd: this.user });
  }

  /** Starts a verb that goes on, and ends it with the case. */
  follow(...args: readonly string[]): Promise<Child> {
    const [file, all] = this.#command(args);
    return start(this.#t, file, all, { env: this.env, cwd: this.user });
  }

  get env(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      HOME: this.user,
      POTLUCK_HOME: this.home,
      // No test prints on a printer of this machine.
      CUPS_SERVER: path.join(this.home, 'no-cups.sock'),
      ...this.#options.env,
    };
  }

  #command(args: readonly string[], identity: Identity = this.#options.as ?? 'self'): [string, string[]] {
    const [file = process.execPath, ...rest] = [...BECOME[identity], process.execPath, PROGRAM, ...args];
    return this.#options.host?.inside(file, rest) ?? [file, rest];
  }

  #isReady(): Ready {
    if (this.#ready === null) throw new Error(`${this.name} never said that it is ready`);
    return this.#ready;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
