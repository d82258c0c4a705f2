/**
 * Somebody on the network who is no agent: raw sockets that say what an attacker would say and count what they
 * get back. It speaks from SPEC.md and uses nothing of the program, so that a mistake there is not made twice.
 */
import { createHash, createHmac, X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import type { Case } from './spec.js';

const CLOSE_LIMIT_MS = 15_000;
const EXPORTER_LABEL = 'EXPORTER-potluck-v1';

export interface StrangerKey {
  readonly keyPem: string;
  readonly certificatePem: string;
}

export interface StrangerOptions {
  readonly port: number;
  readonly address?: string;
  /** What it offers; null for no ALPN at all. */
  readonly alpn?: string | null;
  /** Its key and certificate; null for none. */
  readonly key: StrangerKey | null;
  /** TLS 1.3 unless told. */
  readonly version?: tls.SecureVersion;
}

/** Connects over TLS. @throws Error when the handshake is refused, with the alert as its message */
export async function intrude(t: Case, options: StrangerOptions): Promise<Stranger> {
  const { port, address = '127.0.0.1', alpn = 'potluck/1', key, version = 'TLSv1.3' } = options;
  const socket = tls.connect({
    port,
    host: address,
    minVersion: version,
    maxVersion: version,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(alpn === null ? {} : { ALPNProtocols: [alpn] }),
    ...(key === null ? {} : { key: key.keyPem, cert: key.certificatePem }),
  });
  const stranger = new Stranger(t, socket);
  await stranger.arrive('secureConnect');
  return stranger;
}

/** Connects over TCP and says nothing. */
export async function knock(t: Case, port: number, address = '127.0.0.1'): Promise<Stranger> {
  const stranger = new Stranger(t, net.connect(port, address));
  await stranger.arrive('connect');
  return stranger;
}

export class Stranger {
  readonly socket: net.Socket;
  /** Resolves, with the bytes received in all, when the other end has hung up. */
  readonly #closed: Promise<number>;
  readonly #blocks: Buffer[] = [];
  #failure: Error | null = null;

  constructor(t: Case, socket: net.Socket) {
    this.socket = socket;
    t.defer(() => socket.destroy());
    socket.on('data', (data) => this.#blocks.push(data));
    socket.on('error', (error) => (this.#failure = error));
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve(this.received.length)));
  }

  /** Everything that came, without what TLS itself exchanged. */
  get received(): Buffer {
    return Buffer.concat(this.#blocks);
  }

  /** Resolves at the event, @throws Error when the connection fails before it. */
  async arrive(event: 'connect' | 'secureConnect'): Promise<void> {
    const arrived = new Promise<'arrived'>((resolve) => this.socket.once(event, () => resolve('arrived')));
    const outcome = await Promise.race([arrived, this.#closed]);
    if (outcome !== 'arrived') throw this.#failure ?? new Error('hung up');
  }

  say(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Bytes received until the other end hung up. @throws Error when it does not within the limit */
  async untilClosed(limitMs: number = CLOSE_LIMIT_MS): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`still connected after ${limitMs} ms`)), limitMs);
    });
    try {
      return await Promise.race([this.#closed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The 36 bytes by which a dialler shows that it holds the workgroup's key. SPEC.md, "Preface". */
  preface(group: Uint8Array, own: StrangerKey): Buffer {
    const socket = this.socket as tls.TLSSocket;
    const theirs = socket.getPeerX509Certificate();
    if (theirs === undefined) throw new Error('it showed no certificate');
    const exporter = socket.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.from(socket.alpnProtocol || ''));
    const ends = [exporter, idOf(new X509Certificate(own.certificatePem)), idOf(theirs)];
    const proof = createHmac('sha256', group)
      .update(joined('potluck/v1/link/client', ...ends))
      .digest();
    return Buffer.concat([Buffer.from([0x50, 0x54, 0x4c, 0x01]), proof]);
  }
}

function idOf(certificate: X509Certificate): Buffer {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** Each part after its length in 16 bits. */
function joined(...parts: ReadonlyArray<Uint8Array | string>): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}
