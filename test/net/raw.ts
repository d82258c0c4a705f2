/** A member that may do what no agent does: it has passed the door and then speaks as the test wants. */
import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { dial } from '../../agent/net/dial.js';
import { NET_LIMITS } from '../../agent/net/net-limits.js';
import { makeDialContext, type TlsIdentity } from '../../agent/net/tls.js';
import type { Purpose } from '../../agent/net/web-socket.js';
import type { Case } from '../support/spec.js';
import { HOST } from './floor.js';

export interface RawOptions {
  readonly identity: TlsIdentity;
  readonly group: Uint8Array;
  readonly port: number;
  readonly purpose?: Purpose;
}

/** Opens a WebSocket to an agent, with the member's own key, and says nothing yet. */
export async function openRaw(t: Case, options: RawOptions): Promise<RawPeer> {
  const { identity, group, port, purpose = { kind: 'link', back: null } } = options;
  const { webSocket } = await dial(
    { id: identity.id, context: makeDialContext(identity), limits: NET_LIMITS, group: () => group },
    { address: { host: HOST, port }, purpose, admit: () => undefined },
    t.signal,
  );
  return new RawPeer(t, webSocket);
}

export class RawPeer {
  readonly webSocket: WebSocket;
  readonly received: Record<string, unknown>[] = [];
  readonly frames: Buffer[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  #wake: () => void = () => undefined;

  constructor(t: Case, webSocket: WebSocket) {
    this.webSocket = webSocket;
    t.defer(() => webSocket.terminate());
    this.closed = new Promise((resolve) => webSocket.on('close', resolve));
    webSocket.on('error', () => undefined);
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.frames.push(data);
      else this.received.push(JSON.parse(data.toString()) as Record<string, unknown>);
      this.#wake();
    });
  }

  say(message: object | string): void {
    this.webSocket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  hello(digest: string = '0'.repeat(64)): void {
    this.say({ t: 'hello', v: 1, name: 'raw', roster: digest, caps: [] });
  }

  /** The first message of this type, when it is there. */
  async heard(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.received.find((message) => message['t'] === type);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Bytes on the TLS socket below the WebSocket, past every check of `ws`. */
  write(bytes: Uint8Array | string): void {
    // oxlint-disable-next-line no-underscore-dangle
    (this.webSocket as unknown as { _socket: Writable })._socket.write(bytes);
  }
}
