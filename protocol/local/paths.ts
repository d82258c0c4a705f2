/**
 * Where an agent keeps its things and where its clients find it: pure functions of the environment, so
 * that agent and client cannot disagree.
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

export interface LocalPaths {
  /** Everything that the agent keeps; 0700. */
  readonly home: string;
  /** Unix socket or Windows pipe of the local API. */
  readonly socket: string;
  /** The folder of the socket, 0700; null for a pipe. */
  readonly socketFolder: string | null;
  /** The secret that agent and client prove to each other; 0600, new at each start of the agent. */
  readonly token: string;
  readonly log: string;
}

/** What the kernels take for a socket's path without its final zero byte; Linux cuts a longer one silently. */
const SOCKET_PATH_MAX_BYTES = 103;

/** @throws PotluckError USAGE when POTLUCK_HOME is not absolute or no user folder is known */
export function localPaths(around: Surroundings): LocalPaths {
  const home = agentHome(around);
  const separator = around.platform === 'win32' ? '\\' : '/';
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const socketFolder = around.platform === 'win32' ? null : folderOfSocket(around, home, name);
  return {
    home,
    socketFolder,
    socket: socketFolder === null ? `\\\\.\\pipe\\potluck-${name}` : `${socketFolder}/agent-${name}.sock`,
    token: `${home}${separator}api.token`,
    log: `${home}${separator}agent.log`,
  };
}

function agentHome(around: Surroundings): string {
  const { env, platform, userHome } = around;
  const told = env['POTLUCK_HOME'];
  if (told !== undefined && told !== '') {
    const absolute = platform === 'win32' ? /^[A-Za-z]:[\\/]|^\\\\/.test(told) : told.startsWith('/');
    if (!absolute) throw new PotluckError('USAGE', 'POTLUCK_HOME must be an absolute path');
    return told.length > 1 ? told.replace(/[\\/]+$/, '') : told;
  }
  if (userHome === '')
    throw new PotluckError('USAGE', 'the folder of this user is not known', { hint: 'set POTLUCK_HOME' });
  if (platform === 'win32') return `${env['LOCALAPPDATA'] || `${userHome}\\AppData\\Local`}\\potluck`;
  if (platform === 'darwin') return `${userHome}/Library/Application Support/potluck`;
  return `${env['XDG_STATE_HOME'] || `${userHome}/.local/state`}/potluck`;
}

/** The runtime folder of the log-in where there is one, else the home, else /tmp where both are too long. */
function folderOfSocket(around: Surroundings, home: string, name: string): string {
  const runtime = around.env['XDG_RUNTIME_DIR'];
  const places = [
    ...(runtime?.startsWith('/') && around.uid !== 0 ? [`${runtime}/potluck`] : []),
    `${home}/run`,
    `/tmp/potluck-${around.uid}`,
  ];
  const fits = (folder: string): boolean =>
    new TextEncoder().encode(`${folder}/agent-${name}.sock`).length <= SOCKET_PATH_MAX_BYTES;
  return places.find(fits) ?? `/tmp/potluck-${around.uid}`;
}
