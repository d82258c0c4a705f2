/**
 * The listening end of the local API: a Unix socket of mode 0600 in a folder of mode 0700, or a Windows pipe.
 *
 * A socket that a killed agent left is unlinked; one behind which somebody answers never is.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { PotluckError } from '../../protocol/errors.js';
import type { LocalPaths, SocketPlace } from '../../protocol/local/paths.js';
import { openPrivateFolder } from './paths.js';

/** A place that cannot hold a socket, or where this user may not make one; the next place is tried. */
const UNUSABLE = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EOPNOTSUPP', 'ENOTSUP', 'ENAMETOOLONG']);
/** How long somebody at an existing socket may take to accept. */
const PROBE_MAX_MS = 1000;

/**
 * Makes the server listen at the first place that can be used.
 * @returns the path of the socket, or the name of the pipe
 * @throws PotluckError AGENT_RUNNING: somebody answers there; UNSAFE_FILES: the folder or socket is not safely ours
 */
export async function listenLocally(server: Server, paths: LocalPaths): Promise<string> {
  let last: unknown = null;
  for (const place of paths.places) {
    try {
      return await listenAt(server, place);
    } catch (thrown) {
      if (!UNUSABLE.has((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
      last = thrown;
    }
  }
  throw new PotluckError('FAILED', `no place for the socket of the local API, last tried ${lastPlace(paths)}`, {
    cause: last,
  });
}

async function listenAt(server: Server, { folder, socket }: SocketPlace): Promise<string> {
  if (folder === null) {
    await listening(server, socket);
    return socket;
  }
  openPrivateFolder(folder);
  await removeStale(socket);
  // Read by bind(2), which listen() calls before it returns.
  const before = process.umask(0o177);
  try {
    await listening(server, socket, () => process.umask(before));
  } finally {
    process.umask(before);
  }
  // A file system that ignores the umask is told once more.
  chmodSync(socket, 0o600);
  return socket;
}

function listening(server: Server, at: string, called: () => void = () => undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: NodeJS.ErrnoException): void => {
      server.removeListener('listening', succeed);
      reject(thrown.code === 'EADDRINUSE' ? running(at) : thrown);
    };
    const succeed = (): void => {
      server.removeListener('error', fail);
      resolve();
    };
    server.once('error', fail).once('listening', succeed);
    server.listen(at);
    called();
  });
}

/** @throws PotluckError AGENT_RUNNING, UNSAFE_FILES */
async function removeStale(socket: string): Promise<void> {
  const found = lstatSync(socket, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new PotluckError('UNSAFE_FILES', `${socket} is in the way and is not a socket`);
  if (await isAnswered(socket)) throw running(socket);
  unlinkSync(socket);
}

function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const end = (answered: boolean): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', () => end(true));
    // Refused means that nobody listens. Anything else (a full backlog) means that somebody does.
    probe.once('error', (thrown: NodeJS.ErrnoException) =>
      end(!['ECONNREFUSED', 'ENOENT'].includes(thrown.code ?? '')),
    );
    probe.setTimeout(PROBE_MAX_MS, () => end(true));
  });
}

function running(socket: string): PotluckError {
  return new PotluckError('AGENT_RUNNING', `an agent already answers at ${socket}`, { hint: 'potluck status' });
}

function lastPlace(paths: LocalPaths): string {
  return paths.places.at(-1)?.socket ?? paths.home;
}
