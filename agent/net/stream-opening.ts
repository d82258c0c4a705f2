/**
 * The two messages that open a stream: what the asker wants, and whether it may have it.
 *
 * Bytes follow the second message at once, so the stream is made in the same moment in which that message is
 * read. SPEC.md, "Streams".
 */
import * as v from 'valibot';
import type { WebSocket } from 'ws';
import type { Clock } from '../platform/clock.js';
import { isErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import { parseBoundedJson } from '../../protocol/json.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { StreamOpen, StreamOpened } from '../../protocol/peer/stream-open.js';
import { ByteStream } from './byte-stream.js';
import type { NetLimits } from './net-limits.js';
import { cut } from './requests.js';
import { messageBytes } from './web-socket.js';

/**
 * Answers a stream that a peer opens.
 * @param accept  says yes to the peer and gives the stream; call it once, after every check. The stream is the
 *   caller's to end; when the promise rejects after that, the stream is destroyed
 * @throws PotluckError instead of accepting: what the peer is told
 */
export type ServeStream = (peer: PeerId, open: StreamOpen, accept: () => ByteStream) => Promise<void>;

interface Ground {
  readonly clock: Clock;
  readonly limits: NetLimits;
}

/**
 * The asker's side.
 * @param signal  ends the opening; the connection is closed then
 * @throws PotluckError the peer's refusal; TIMEOUT, PEER_OFFLINE, BAD_MESSAGE, CANCELLED
 */
export function askStream(
  { clock, limits }: Ground,
  webSocket: WebSocket,
  open: StreamOpen,
  signal: AbortSignal,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.after(limits.answerMs, () => fail(new PotluckError('TIMEOUT', 'no answer in time')));
    const settle = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', abort);
      webSocket.off('message', answered);
      webSocket.off('close', closed);
    };
    const fail = (error: PotluckError): void => {
      settle();
      webSocket.terminate();
      reject(error);
    };
    const abort = (): void => fail(toPotluckError(signal.reason));
    const closed = (): void => fail(new PotluckError('PEER_OFFLINE', 'the connection to the coworker broke'));
    const answered = (data: Parameters<typeof messageBytes>[0], isBinary: boolean): void => {
      const answer = isBinary ? null : read(StreamOpened, messageBytes(data));
      if (answer === null) return fail(new PotluckError('BAD_MESSAGE', 'the coworker answered what cannot be read'));
      if (!answer.ok) return fail(new PotluckError(isErrorCode(answer.code) ? answer.code : 'FAILED', answer.message));
      settle();
      resolve(new ByteStream(webSocket, { clock, idleMs: limits.streamIdleMs }));
    };
    webSocket.on('message', answered);
    webSocket.on('close', closed);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else webSocket.send(JSON.stringify(open));
  });
}

/** The answerer's side: reads the question, hands it to `serve`, and closes whatever goes wrong. */
export function serveStreamOn({ clock, limits }: Ground, webSocket: WebSocket, peer: PeerId, serve: ServeStream): void {
  let isAsked = false;
  let stream: ByteStream | null = null;
  const late = clock.after(limits.answerMs, () => webSocket.terminate());
  const accept = (): ByteStream => {
    if (stream !== null) throw new Error('a stream is accepted once');
    webSocket.off('message', heard);
    webSocket.send(JSON.stringify({ ok: true }));
    stream = new ByteStream(webSocket, { clock, idleMs: limits.streamIdleMs });
    return stream;
  };
  const refuse = (thrown: unknown): void => {
    const error = toPotluckError(thrown);
    if (stream !== null) return void stream.destroy(error);
    webSocket.send(JSON.stringify({ ok: false, code: error.code, message: cut(error.message) }));
    webSocket.close(1000);
  };
  const answer = async (open: StreamOpen): Promise<void> => {
    try {
      await serve(peer, open, accept);
      if (stream === null) throw new PotluckError('UNSUPPORTED', 'this stream is not served');
    } catch (thrown) {
      refuse(thrown);
    }
  };
  const heard = (data: Parameters<typeof messageBytes>[0], isBinary: boolean): void => {
    const open = isBinary || isAsked ? null : read(StreamOpen, messageBytes(data));
    late();
    if (open === null) return webSocket.close(CLOSE.BAD_MESSAGE);
    isAsked = true;
    void answer(open);
  };
  webSocket.on('message', heard);
  webSocket.once('close', late);
}

function read<S extends v.GenericSchema>(schema: S, bytes: Buffer): v.InferOutput<S> | null {
  try {
    const result = v.safeParse(schema, parseBoundedJson(bytes.toString('utf8')));
    return result.success ? result.output : null;
  } catch {
    // Not JSON within bounds: the caller closes the connection for it.
    return null;
  }
}
