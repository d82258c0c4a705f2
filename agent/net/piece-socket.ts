/**
 * One `/v1/pieces` connection: binary frames, each way, with back-pressure for who sends.
 *
 * What the frames mean is protocol/peer/piece-frame.ts and the business of transfers; here they are only
 * carried and bounded. Frames are never copied on their way out, so a sender may keep a few buffers and use
 * each again once it was written. SPEC.md, "Pieces".
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { PotluckError } from '../../protocol/errors.js';
import { BINARY_FRAME_HEADER_MAX_BYTES, BINARY_FRAME_MAX_BYTES } from '../../protocol/limits.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { messageBytes } from './web-socket.js';

/** Bytes of ours that may wait in this process before `send` makes its caller wait. */
const HIGH_WATER_BYTES = 4 * BINARY_FRAME_MAX_BYTES;
/** Frames up to this size wait for the others of their turn: a write of its own costs more than a small file does. */
const GATHERED_MAX_BYTES = 32 * 1024;
const FRAME_MAX_BYTES = BINARY_FRAME_MAX_BYTES + BINARY_FRAME_HEADER_MAX_BYTES;

export interface PieceSocket {
  /**
   * Sends one frame.
   * @param onWritten  called once, when the frame's memory may be used again (also when it was never sent)
   * @returns resolves when the next frame may be sent: at once, unless much is waiting
   * @throws PotluckError PEER_OFFLINE: the connection is closed
   */
  send(frame: Uint8Array, onWritten?: () => void): Promise<void>;
  /** The one listener for the peer's frames, each a view: copy what is kept. Frames that come before it is set wait. */
  onFrame(listener: (frame: Uint8Array) => void): void;
  /** Resolves when the connection is closed, from either side. */
  readonly closed: Promise<void>;
  /** @param isBad  the peer sent what it must not */
  close(isBad?: boolean): void;
}

/** @param webSocket  open */
export function wrapPieceSocket(webSocket: WebSocket): PieceSocket {
  let listener: ((frame: Uint8Array) => void) | null = null;
  /** What came in the moment before somebody listened; little, since the connection is paused until then. */
  let early: Uint8Array[] = [];
  let wake: (() => void)[] = [];
  const wakeAll = (): void => {
    const waiting = wake;
    wake = [];
    for (const call of waiting) call();
  };
  let isGathering = false;
  const gather = (): void => {
    // Not in the types of ws: the socket below, null once it is closed.
    const { _socket: socket } = webSocket as unknown as { readonly _socket: Duplex | null };
    if (isGathering || socket === null) return;
    isGathering = true;
    socket.cork();
    setImmediate(() => {
      isGathering = false;
      socket.uncork();
    });
  };
  const close = (isBad = false): void => {
    webSocket.resume();
    webSocket.close(isBad ? CLOSE.BAD_MESSAGE : 1000);
  };
  const closed = new Promise<void>((resolve) => {
    webSocket.once('close', () => {
      wakeAll();
      resolve();
    });
  });
  webSocket.on('message', (data, isBinary) => {
    const frame = messageBytes(data);
    if (!isBinary || frame.length > FRAME_MAX_BYTES) close(true);
    else if (listener === null) early.push(frame);
    else listener(frame);
  });
  // Nobody listens yet: what arrives stays in the kernel.
  webSocket.pause();

  return {
    async send(frame, onWritten) {
      if (webSocket.readyState !== webSocket.OPEN) {
        onWritten?.();
        throw new PotluckError('PEER_OFFLINE', 'the connection to the coworker is closed');
      }
      if (frame.byteLength <= GATHERED_MAX_BYTES) gather();
      webSocket.send(frame, { binary: true }, () => {
        onWritten?.();
        if (webSocket.bufferedAmount < HIGH_WATER_BYTES) wakeAll();
      });
      if (webSocket.bufferedAmount >= HIGH_WATER_BYTES) await new Promise<void>((resolve) => wake.push(resolve));
    },
    onFrame(heard) {
      listener = heard;
      for (const frame of early) heard(frame);
      early = [];
      webSocket.resume();
    },
    closed,
    close,
  };
}
