/**
 * The WebSockets of this floor: one subprotocol, three paths, no compression, every bound set on both sides.
 *
 * The defaults of `ws` are made for web servers (100 MiB a message, half a minute to close). A side that sends
 * bulk as a client masks with a zero key, which costs nothing; masks protect proxies from web pages, and
 * inside our TLS there is neither. SPEC.md, "Connections".
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import {
  MESSAGE_MAX_BYTES,
  UPGRADE_HEADERS_MAX_BYTES,
  WS_BUFFERED_MAX_COUNT,
  WS_CLOSE_MAX_MS,
  WS_FRAGMENTS_MAX_COUNT,
  WS_PAYLOAD_MAX_BYTES,
} from '../../protocol/limits.js';
import { PotluckError } from '../../protocol/errors.js';

const SUBPROTOCOL = 'potluck.v1';
const TOKEN = /^[0-9a-f]{32}$/;

export type SocketKind = 'link' | 'pieces' | 'stream';
const KINDS = new Set<string>(['link', 'pieces', 'stream'] satisfies SocketKind[]);

/** What the path of an upgrade asks for. */
export interface Purpose {
  readonly kind: SocketKind;
  /** The token of a `dial.back` request that this connection answers; null for an ordinary one. */
  readonly back: string | null;
}

export function purposePath({ kind, back }: Purpose): string {
  return back === null ? `/v1/${kind}` : `/v1/${kind}?back=${back}`;
}

/** @returns null for a path that is none of ours */
export function readPurposePath(path: string): Purpose | null {
  const [, kind, , back] = /^\/v1\/([a-z]{1,10})(\?back=(.{1,64}))?$/.exec(path) ?? [];
  if (kind === undefined || !KINDS.has(kind)) return null;
  if (back !== undefined && (kind === 'link' || !TOKEN.test(back))) return null;
  return { kind: kind as SocketKind, back: back ?? null };
}

/** Bounds of one connection. The types of `ws` do not know all of them yet. */
function bounds(kind: SocketKind): Record<string, number | boolean> {
  return {
    perMessageDeflate: false,
    maxPayload: kind === 'link' ? MESSAGE_MAX_BYTES : WS_PAYLOAD_MAX_BYTES,
    maxFragments: WS_FRAGMENTS_MAX_COUNT,
    maxBufferedChunks: WS_BUFFERED_MAX_COUNT,
    closeTimeout: WS_CLOSE_MAX_MS,
  };
}

/** The listener's side of the upgrade, for sockets that have proved themselves. */
export class Upgrader {
  readonly #servers = new Map<SocketKind, WebSocketServer>();

  constructor() {
    for (const kind of KINDS as Set<SocketKind>) {
      this.#servers.set(
        kind,
        new WebSocketServer({
          noServer: true,
          clientTracking: false,
          handleProtocols: () => SUBPROTOCOL,
          ...bounds(kind),
        }),
      );
    }
  }

  /** @param opened  called with the open WebSocket; a request that is not one of ours ends the socket instead */
  upgrade(
    request: IncomingMessage,
    socket: TLSSocket,
    head: Buffer,
    opened: (webSocket: WebSocket, purpose: Purpose) => void,
  ): void {
    const purpose = readPurposePath(request.url ?? '');
    const server = purpose === null ? undefined : this.#servers.get(purpose.kind);
    if (purpose === null || server === undefined || request.headers['sec-websocket-protocol'] !== SUBPROTOCOL) {
      socket.destroy();
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      guard(webSocket);
      opened(webSocket, purpose);
    });
  }
}

/**
 * The dialler's side of the upgrade, on a socket on which both sides have proved themselves.
 * @param upgradeMs  how long the answer may take
 * @throws PotluckError PEER_UNREACHABLE: no WebSocket came of it; CANCELLED
 */
export function openWebSocket(
  socket: TLSSocket,
  purpose: Purpose,
  upgradeMs: number,
  signal: AbortSignal,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(`ws://potluck${purposePath(purpose)}`, SUBPROTOCOL, {
      ...bounds(purpose.kind),
      createConnection: () => socket,
      handshakeTimeout: upgradeMs,
      maxHeaderSize: UPGRADE_HEADERS_MAX_BYTES,
      ...(purpose.kind === 'link' ? {} : { generateMask: (mask: Buffer) => void mask.fill(0) }),
    });
    guard(webSocket);
    const abort = (): void => {
      webSocket.terminate();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    webSocket.once('open', () => {
      signal.removeEventListener('abort', abort);
      resolve(webSocket);
    });
    webSocket.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new PotluckError('PEER_UNREACHABLE', 'the other PC did not open the connection'));
    });
    if (signal.aborted) abort();
  });
}

/** Every WebSocket has an error listener from its first moment: a frame error would end the process otherwise. */
function guard(webSocket: WebSocket): void {
  // The reason follows with 'close', which every owner listens to.
  webSocket.on('error', () => undefined);
}

/** The bytes of a message, whichever way `ws` gives them. */
export function messageBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
