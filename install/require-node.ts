/**
 * The first thing that a program of ours does: where the Node that started it is too old, the program goes
 * on under the runtime that npm brought beside it, with the same arguments, streams and exit code.
 *
 * Everything that this file says must be understood by an old Node, so nothing newer than Node 18 is used
 * here, and what needs a newer one is imported by the main files only after this has returned.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** As `engines` in package.json: a test keeps them equal. */
export const NODE_MIN = [22, 22] as const;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Returns where this Node will do. Otherwise the runtime takes over, and this never returns.
 * @param main  the file that Node was started with
 */
export async function requireNode(main: string): Promise<void> {
  if (isRecent(process.versions.node)) return;
  const runtime = findRuntime(path.dirname(main), process.platform, process.arch, existsSync);
  if (runtime === null || runtime === process.execPath) fail();
  await continueUnder(runtime, [...process.execArgv, main, ...process.argv.slice(2)]);
}

/** @param version  as `process.versions.node` */
export function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

/**
 * The runtime that npm put beside the package: in its own node_modules, or in one further up.
 * @param from  a folder inside the package
 * @returns the program, or null where no package for this platform was installed
 */
export function findRuntime(
  from: string,
  platform: string,
  arch: string,
  exists: (file: string) => boolean,
): string | null {
  const system = platform === 'win32' ? 'win' : platform;
  const program = platform === 'win32' ? 'node.exe' : 'node';
  const packages = [`node-${system}-${arch}`, `node-bin-${system}-${arch}`];
  for (let folder = from; ; folder = path.dirname(folder)) {
    for (const name of packages) {
      const file = path.join(folder, 'node_modules', name, 'bin', program);
      if (exists(file)) return file;
    }
    if (path.dirname(folder) === folder) return null;
  }
}

async function continueUnder(runtime: string, args: string[]): Promise<never> {
  const { spawn } = await import('node:child_process');
  const child = spawn(runtime, args, { stdio: 'inherit' });
  // What is typed at a terminal reaches both of us by itself; sent twice, Ctrl+C would mean more than it does.
  const typed = process.stdin.isTTY;
  for (const name of FORWARDED) {
    process.on(name, () => {
      if (!(typed && (name === 'SIGINT' || name === 'SIGQUIT'))) child.kill(name);
    });
  }
  return new Promise<never>(() => {
    child.once('error', () => fail());
    child.once('exit', (code, signal) => {
      if (signal === null) process.exit(code === null ? 1 : code);
      // To end as it did, with nobody left to catch it.
      for (const name of FORWARDED) process.removeAllListeners(name);
      process.kill(process.pid, signal);
    });
  });
}

function fail(): never {
  const needs = `${NODE_MIN[0]}.${NODE_MIN[1]}`;
  const place = `${process.platform}-${process.arch}`;
  process.stderr.write(
    `potluck: start: this is Node ${process.versions.node} and potluck needs ${needs} or newer; the one for ${place} that comes with it is not installed (FAILED)\n` +
      'try: npm install -g potluck-*.tgz, without --omit=optional\n',
  );
  process.exit(1);
}
