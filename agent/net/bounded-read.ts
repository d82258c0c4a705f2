/**
 * Exact reads from a socket, for the few bytes that come before any parser: a preface, the frames of a join.
 *
 * The socket stays paused between reads, so a peer that sends more than is asked for fills one small
 * buffer and then waits. Nobody else may read the socket meanwhile.
 */
import type { Readable } from 'node:stream';
import { PotluckError } from '../../protocol/errors.js';

/**
 * The next `count` bytes.
 * @param signal  ends the wait; the socket is left as it is, the caller destroys it
 * @throws PotluckError PEER_UNREACHABLE: the other side hung up before
 */
export function readBytes(socket: Readable, count: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.off('readable', attempt);
      socket.off('end', hangUp);
      socket.off('close', hangUp);
      socket.off('error', hangUp);
      signal.removeEventListener('abort', abort);
    };
    const attempt = (): void => {
      const bytes = socket.read(count) as Buffer | null;
      // At the end of a stream `read` gives what is left, however short.
      if (bytes === null || bytes.length < count) return;
      done();
      resolve(bytes);
    };
    const hangUp = (): void => {
      done();
      reject(new PotluckError('PEER_UNREACHABLE', 'the other PC hung up'));
    };
    const abort = (): void => {
      done();
      reject(signal.reason as Error);
    };
    if (signal.aborted) return abort();
    if (socket.destroyed || socket.readableEnded) return hangUp();
    signal.addEventListener('abort', abort, { once: true });
    socket.on('readable', attempt);
    socket.on('end', hangUp);
    socket.on('close', hangUp);
    socket.on('error', hangUp);
    attempt();
  });
}

/** Bytes that have arrived and were not read. */
export function hasUnread(socket: Readable): boolean {
  return socket.readableLength > 0;
}
