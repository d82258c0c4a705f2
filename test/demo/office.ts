/**
 * An office on one PC: three agents, each with a home of its own, joined for real over real mDNS that is
 * bound to 127.0.0.1, so that nothing leaves the PC and nothing but `lo` is needed.
 *
 * Everything is done through the program's command line, as a person would. Everything that was made is
 * in one temporary folder, which is removed at the end, also after a failure or Ctrl+C.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = path.resolve('dist/tui/main.js');
const READY_MAX_MS = 15_000;
const VERB_MAX_MS = 60_000;

export interface Desk {
  readonly name: string;
  /** Folder of this "PC": its agent's home, its shares, its downloads. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly agent: ChildProcess;
  /** Runs a verb with --json and gives what it printed. @throws Error with the program's own line */
  verb<T>(...args: string[]): Promise<T>;
}

export class Office {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'potluck-demo-'));
  readonly desks: Desk[] = [];

  /** Starts an agent and resolves when it is ready. */
  async open(name: string): Promise<Desk> {
    const folder = path.join(this.folder, name);
    for (const sub of ['home', 'downloads', 'tray'])
      mkdirSync(path.join(folder, sub), { recursive: true, mode: 0o700 });
    const env: NodeJS.ProcessEnv = { ...process.env, POTLUCK_HOME: path.join(folder, 'home') };
    delete env['CI'];
    const flags = ['--loopback', '--allow-root', '--port', '0', '--name', name, '--json'];
    const agent = spawn(process.execPath, [PROGRAM, 'agent', ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const desk: Desk = { name, folder, env, agent, verb: (...args) => verb(env, args) };
    this.desks.push(desk);
    await ready(agent, name);
    return desk;
  }

  /** Ends every agent, then removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.desks.map(({ agent }) => stop(agent)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What is left of the office after `close`: should be nothing. */
  leftovers(): string[] {
    const running = this.desks.filter(({ agent }) => agent.exitCode === null && agent.signalCode === null);
    return [...running.map(({ name }) => `agent of ${name}`), ...(existsSync(this.folder) ? [this.folder] : [])];
  }
}

async function verb<T>(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<T> {
  const options = { env, timeout: VERB_MAX_MS, maxBuffer: 16 * 1024 * 1024 };
  try {
    const { stdout } = await run(process.execPath, [PROGRAM, ...args, '--json'], options);
    return JSON.parse(stdout) as T;
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout?: string; stderr?: string };
    const said = (stderr || stdout || String(thrown)).trim();
    throw new Error(`potluck ${args.join(' ')}: ${said}`, { cause: thrown });
  }
}

/** The agent's first line says that it is ready; what it says before that, or its end, is an error. */
async function ready(agent: ChildProcess, name: string): Promise<void> {
  let said = '';
  agent.stderr?.on('data', (data: Buffer) => (said = `${said}${data.toString()}`.slice(-2000)));
  const limit = AbortSignal.timeout(READY_MAX_MS);
  const failed = once(agent, 'exit', { signal: limit }).then(() => {
    throw new Error(`the agent of ${name} ended: ${said.trim()}`);
  });
  if (agent.stdout === null) throw new Error('the agent has no output');
  const lines = createInterface({ input: agent.stdout });
  const first = once(lines, 'line', { signal: limit }) as Promise<[string]>;
  failed.catch(() => undefined);
  const [line] = await Promise.race([first, failed]);
  if ((JSON.parse(line) as { event?: string }).event !== 'ready') throw new Error(`${name} said: ${line}`);
  // Whatever else it prints must not fill the pipe.
  lines.on('line', () => undefined);
}

async function stop(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, 'exit');
  agent.kill('SIGTERM');
  const patience = setTimeout(() => agent.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(patience);
}

/** Awaits until `look` gives something; used where the program itself offers nothing to follow. */
export async function until<T>(what: string, look: () => Promise<T | null>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function bytesOf(file: string): Buffer {
  return readFileSync(file);
}
