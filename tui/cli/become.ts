/**
 * Another program of ours in the place of this one: the same process where the system can (`execve`), so that
 * who started us also signals and awaits it; elsewhere a child with our streams, our signals and its exit code.
 */
import { spawn } from 'node:child_process';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

/** @returns the exit code of the child; never where the process itself becomes the program */
export function becomeProgram(program: string, flags: readonly string[]): Promise<number> {
  const args = [...process.execArgv, program, ...flags];
  if (process.platform !== 'win32' && process.execve !== undefined) {
    process.execve(process.execPath, [process.execPath, ...args], process.env);
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    for (const name of FORWARDED) process.on(name, () => child.kill(name));
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
