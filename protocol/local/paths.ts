/**
 * Where an agent keeps its things and where its clients find it: pure functions of the environment, so
 * that agent and client cannot disagree.
 *
 * The socket is in the home where it can be: the home is what both sides know, while XDG_RUNTIME_DIR differs
 * between a desktop, `su`, cron and a service, and vanishes at log-out while the agent may go on. A home whose path is too long for
 * a socket, or whose file system holds none, falls back to the places after it; a client looks at all of them.
 */
import { createHash } from 'node:crypto';
import { PotluckError } from '../errors.js';

/** What of the process decides about places. */
export interface Surroundings {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's own folder. */
  readonly userHome: string;
  /** -1 where the system has no such number. */
  readonly uid: number;
}

export interface SocketPlace {
  /** Path of a Unix socket, or name of a Windows pipe. */
  readonly socket: string;
  /** The folder of the socket, 0700; null for a pipe. */
  readonly folder: string | null;
}

export interface LocalPaths {
  /** Everything that the agent keeps; 0700. */
  readonly home: string;
  /** Where the local API may be, best first; never empty. The agent takes the first that works. */
  readonly places: readonly SocketPlace[];
  /** The secret that agent and client prove to each other; 0600, new at each start of the agent. */
  readonly token: string;
  readonly log: string;
  /** What an agent in the background printed, so that the reason of a failed start is not lost. */
  readonly startLog: string;
  /** Held locked by the one agent of this home. */
  readonly lock: string;
  /** The process id of the newest agent, for people. */
  readonly pid: string;
}

/** What the kernels take for a socket's path without its final zero byte; Linux cuts a longer one silently. */
const SOCKET_PATH_MAX_BYTES = 103;

/** @param of  `process`, as far as it is asked */
export function surroundingsOf(
  of: { readonly platform: string; readonly env: Surroundings['env']; readonly getuid?: () => number },
  userHome: string,
): Surroundings {
  return { platform: of.platform, env: of.env, userHome, uid: of.getuid?.() ?? -1 };
}

/** @throws PotluckError USAGE when POTLUCK_HOME is not absolute or no user folder is known */
export function localPaths(around: Surroundings): LocalPaths {
  const home = agentHome(around);
  const separator = around.platform === 'win32' ? '\\' : '/';
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const inHome = (file: string): string => `${home.endsWith(separator) ? home : home + separator}${file}`;
  return {
    home,
    places: around.platform === 'win32' ? [pipe(name)] : socketPlaces(around, inHome('run'), name),
    token: inHome('api.token'),
    log: inHome('agent.log'),
    startLog: inHome('agent.start.log'),
    lock: inHome('agent.lock'),
    pid: inHome('agent.pid'),
  };
}

function agentHome(around: Surroundings): string {
  const { env, platform, userHome } = around;
  const told = env['POTLUCK_HOME'];
  if (told !== undefined && told !== '') {
    const absolute = platform === 'win32' ? /^[A-Za-z]:[\\/]|^\\\\/.test(told) : told.startsWith('/');
    if (!absolute) throw new PotluckError('USAGE', 'POTLUCK_HOME must be an absolute path');
    return told.replace(/(?<=[^\\/:])[\\/]+$/, '');
  }
  if (userHome === '')
    throw new PotluckError('USAGE', 'the folder of this user is not known', { hint: 'set POTLUCK_HOME' });
  if (platform === 'win32') return `${env['LOCALAPPDATA'] || `${userHome}\\AppData\\Local`}\\potluck`;
  if (platform === 'darwin') return `${userHome}/Library/Application Support/potluck`;
  const state = env['XDG_STATE_HOME'];
  return `${state?.startsWith('/') ? state : `${userHome}/.local/state`}/potluck`;
}

function pipe(name: string): SocketPlace {
  return { socket: `\\\\.\\pipe\\potluck-${name}`, folder: null };
}

function socketPlaces(around: Surroundings, inHome: string, name: string): SocketPlace[] {
  const { env, platform, uid } = around;
  const runtime = env['XDG_RUNTIME_DIR'];
  const folders = [inHome];
  // Not as root: the variable is often inherited from the user who called sudo.
  if (uid > 0 && runtime?.startsWith('/')) folders.push(`${runtime.replace(/(?<=.)\/+$/, '')}/potluck`);
  if (uid > 0 && platform === 'linux') folders.push(`/run/user/${uid}/potluck`);
  folders.push(`/tmp/potluck-${uid}`);
  return [...new Set(folders)]
    .map((folder) => ({ folder, socket: `${folder}/${folder === inHome ? 'agent' : `agent-${name}`}.sock` }))
    .filter(({ socket }) => Buffer.byteLength(socket) <= SOCKET_PATH_MAX_BYTES);
}
