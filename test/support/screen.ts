/**
 * The terminal UI in a test: on a terminal in memory, against an agent in memory, with a clock that stands
 * still. `press` waits until nothing is under way, so no test sleeps and none looks twice.
 */
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import type { LocalFiles } from '../../tui/keys/local-files.js';
import { createAppStore, type AppStore } from '../../tui/store/app-store.js';
import { FakeClient } from './fake-client.js';
import { NOW, type Folders, type Rows } from './fake-office.js';
import type { Case } from './spec.js';
import { VirtualTerminal } from './virtual-terminal.js';

// Before React and chalk are loaded, which look at the environment once. Colour is then up to the theme.
process.env['NODE_ENV'] = 'production';
process.env['FORCE_COLOR'] = '1';
process.env['TZ'] = 'UTC';

export interface ScreenOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly folders?: Folders;
  readonly files?: Partial<LocalFiles>;
  readonly startAgent?: () => Promise<void>;
  /** An agent that the test prepared; else one is made of the tables. */
  readonly agent?: FakeClient;
}

const KEYS: Readonly<Record<string, string>> = {
  enter: '\r',
  // In the form that needs no waiting: a bare ESC may be the beginning of something longer.
  esc: '\u{1B}[27u',
  tab: '\t',
  'shift+tab': '\u{1B}[Z',
  up: '\u{1B}[A',
  down: '\u{1B}[B',
  right: '\u{1B}[C',
  left: '\u{1B}[D',
  home: '\u{1B}[H',
  end: '\u{1B}[F',
  pgup: '\u{1B}[5~',
  pgdn: '\u{1B}[6~',
  delete: '\u{1B}[3~',
  backspace: '\u{7F}',
  space: ' ',
  'ctrl+c': '\u{3}',
  'ctrl+p': '\u{10}',
  'ctrl+u': '\u{15}',
  'ctrl+w': '\u{17}',
};

/** Turns of the event loop without anything happening, after which nothing will. */
const QUIET_TURNS = 4;
const TURNS_MAX = 20_000;

class KeyboardStream extends Readable {
  readonly isTTY = true;
  override _read(): void {
    // Keys are pushed when they are pressed.
  }
  setRawMode(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

export class Screen {
  readonly agent: FakeClient;
  readonly terminal: VirtualTerminal;
  readonly store: AppStore;
  readonly ended: Promise<string>;
  readonly #keyboard: KeyboardStream;
  readonly #flushed: () => Promise<void>;
  readonly #close: () => void;

  constructor(parts: {
    readonly agent: FakeClient;
    readonly terminal: VirtualTerminal;
    readonly store: AppStore;
    readonly keyboard: KeyboardStream;
    readonly ended: Promise<string>;
    readonly flushed: () => Promise<void>;
    readonly close: () => void;
  }) {
    this.agent = parts.agent;
    this.terminal = parts.terminal;
    this.store = parts.store;
    this.ended = parts.ended;
    this.#keyboard = parts.keyboard;
    this.#flushed = parts.flushed;
    this.#close = parts.close;
  }

  /** Presses keys by their names; a longer text that is no name is typed. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#keyboard.push(KEYS[key] ?? key);
      await this.settle();
    }
  }

  async paste(text: string): Promise<void> {
    this.#keyboard.push(`\u{1B}[200~${text}\u{1B}[201~`);
    await this.settle();
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.terminal.resize(columns, rows);
    await this.settle();
  }

  /** Resolves when no call is open, no announcement waits and every frame is written. */
  async settle(): Promise<void> {
    let quiet = 0;
    let last = '';
    for (let turn = 0; quiet < QUIET_TURNS; turn++) {
      if (turn > TURNS_MAX) throw new Error('the screen does not come to rest');
      await this.#flushed();
      const now = `${this.agent.asked.length} ${this.agent.open} ${this.terminal.writes}`;
      quiet = now === last ? quiet + 1 : 0;
      last = now;
    }
    this.#checkFrame();
  }

  /** For what needs a moment of real time: an agent that is away is asked again only after a while. */
  async waitFor(text: string): Promise<void> {
    for (let turn = 0; !this.text.includes(text); turn++) {
      if (turn > TURNS_MAX) throw new Error(`“${text}” does not appear:\n${this.text}`);
      await this.#flushed();
    }
    await this.settle();
  }

  get text(): string {
    return this.terminal.lines.join('\n');
  }

  sees(...texts: readonly string[]): void {
    for (const text of texts) assert.ok(this.text.includes(text), `“${text}” is on the screen:\n${this.text}`);
  }

  seesNot(...texts: readonly string[]): void {
    const { text: all } = this;
    for (const text of texts) assert.not.ok(all.includes(text), `“${text}” is not on the screen:\n${all}`);
  }

  close(): void {
    this.#close();
  }

  /** The last row stays free in every frame. Lines that are too wide fail in the terminal. */
  #checkFrame(): void {
    if (this.terminal.failure !== null) throw this.terminal.failure;
    if (!this.terminal.isAlternate) return;
    assert.is(this.terminal.lines.at(-1), '', `the last row is free:\n${this.text}`);
  }
}

export async function openScreen(t: Case, rows: Rows, options: ScreenOptions = {}): Promise<Screen> {
  const { mountUi } = await import('../../tui/view/mount.js');
  const agent = options.agent ?? new FakeClient(rows, options.folders);
  const terminal = new VirtualTerminal(options.columns ?? 96, options.rows ?? 30);
  const keyboard = new KeyboardStream();
  const store = createAppStore(NOW, queueMicrotask);
  const mounted = mountUi({
    client: agent,
    store,
    clock: { now: () => NOW, sleep: (_ms, signal) => nextTurn(signal) },
    files: {
      home: '/home/ana',
      list: async () => [],
      kindOf: async () => 'file',
      tail: async () => [],
      ...options.files,
    },
    paths: {
      home: '/home/ana/.potluck',
      socket: '',
      socketFolder: null,
      token: '',
      log: '/home/ana/.potluck/agent.log',
      startLog: '/home/ana/.potluck/agent.start.log',
    } as never,
    startAgent: options.startAgent ?? (async () => agent.comeBack()),
    env: options.env ?? {},
    stdin: keyboard,
    stdout: terminal,
  });
  // A case that ends the UI itself looks at the promise; the others close it here.
  mounted.ended.catch(() => undefined);
  t.defer(async () => {
    mounted.close();
    await mounted.ended;
  });
  const screen = new Screen({ agent, terminal, store, keyboard, ...mounted });
  await screen.settle();
  return screen;
}

/** A pause without time; an agent that stays away is asked again and again, so it gives way to everything else. */
function nextTurn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else setTimeout(resolve, 5).unref();
  });
}
