/**
 * A real terminal for a test: tmux on a socket of its own, with a shell in it. What is on the screen is
 * looked at again whenever tmux says that something was written, so nothing is waited for blindly.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

/** The Debian package. */
export const TMUX = ['tmux'] as const;

const run = promisify(execFile);
/** Longer than a loaded machine takes for anything that a test waits for. */
const WAIT_MAX_MS = 20_000;
const PROMPT = 'ready>';

export class Tmux {
  readonly #socket: string;
  readonly #raw: string;
  readonly #signal: AbortSignal;
  #control: ChildProcess | null = null;
  /** How often something was written; a wait compares it so that nothing is missed. */
  #outputs = 0;
  readonly #waiting = new Set<() => void>();

  private constructor(folder: string, signal: AbortSignal) {
    this.#socket = path.join(folder, 'tmux.sock');
    this.#raw = path.join(folder, 'raw');
    this.#signal = signal;
  }

  static async open(
    t: Case,
    { columns, rows, env = {} }: { readonly columns: number; readonly rows: number; readonly env?: NodeJS.ProcessEnv },
  ): Promise<Tmux> {
    const folder = temporaryFolder(t);
    const tmux = new Tmux(folder, t.signal);
    t.defer(() => tmux.#close());
    // The shell has its own name for the terminal, no start-up files, and none of this machine's settings.
    const shellEnv = { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', PS1: `${PROMPT} `, ...env };
    const size = ['-x', String(columns), '-y', String(rows)];
    await run('tmux', ['-S', tmux.#socket, '-f', '/dev/null', 'new-session', '-d', ...size, 'sh', '-i'], {
      env: shellEnv,
    });
    await tmux.#command('set-option', '-g', 'window-size', 'manual');
    await tmux.#command('pipe-pane', '-O', `cat >'${tmux.#raw}'`);
    tmux.#listen();
    await tmux.sees(PROMPT);
    return tmux;
  }

  /** Presses keys by the names that tmux gives them: Enter, Escape, Down, C-c. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#command('send-keys', ...keys);
  }

  /** Types a text as it is. */
  async type(text: string): Promise<void> {
    await this.#command('send-keys', '-l', text);
  }

  /** As a terminal pastes: in brackets, when the program asked for that. */
  async paste(text: string): Promise<void> {
    await this.#command('set-buffer', text);
    await this.#command('paste-buffer', '-p');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#command('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async lines(): Promise<readonly string[]> {
    const { stdout } = await this.#command('capture-pane', '-p');
    return stdout.split('\n').slice(0, -1);
  }

  /** Is the other screen shown, which full-screen programs use? */
  async isAlternate(): Promise<boolean> {
    const { stdout } = await this.#command('display-message', '-p', '#{alternate_on}');
    return stdout.trim() === '1';
  }

  async title(): Promise<string> {
    const { stdout } = await this.#command('display-message', '-p', '#{pane_title}');
    return stdout.trim();
  }

  /** Everything that was written to the terminal, byte by byte. */
  raw(): string {
    return readFileSync(this.#raw, 'utf8');
  }

  /** Resolves when all texts are on the screen at once. */
  sees(...texts: readonly string[]): Promise<string> {
    return this.until((screen) => texts.every((text) => screen.includes(text)), texts.join(' and '));
  }

  /** @throws Error with the screen when it does not become so */
  async until(isSo: (screen: string) => boolean, what: string): Promise<string> {
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(WAIT_MAX_MS)]);
    for (;;) {
      const seen = this.#outputs;
      const screen = (await this.lines()).join('\n');
      if (isSo(screen)) return screen;
      if (seen === this.#outputs) await this.#nextOutput(limit, `${what} is not on the screen:\n${screen}`);
    }
  }

  #command(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return run('tmux', ['-S', this.#socket, ...args]);
  }

  /** A client in control mode is told of every output. */
  #listen(): void {
    const control = spawn('tmux', ['-S', this.#socket, '-C', 'attach'], { stdio: ['pipe', 'pipe', 'ignore'] });
    control.stdout.on('data', (data: Buffer) => {
      if (!data.includes('%output') && !data.includes('%layout-change')) return;
      this.#outputs += 1;
      for (const wake of this.#waiting) wake();
    });
    this.#control = control;
  }

  #nextOutput(limit: AbortSignal, problem: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiting.delete(wake);
        limit.removeEventListener('abort', stop);
        act();
      };
      const wake = (): void => settle(resolve);
      const stop = (): void => settle(() => reject(new Error(problem)));
      this.#waiting.add(wake);
      limit.addEventListener('abort', stop, { once: true });
      if (limit.aborted) stop();
    });
  }

  async #close(): Promise<void> {
    this.#control?.kill();
    await this.#command('kill-server').catch(() => undefined);
  }
}
