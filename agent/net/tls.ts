/**
 * TLS as Potluck uses it, and the one place that says who is at the other end.
 *
 * Both sides present a self-signed certificate; its public key's hash is the peer's id. Node's own verdict
 * (`authorized`) is never read: it means nothing for such certificates and is wrong on resumed sessions, on
 * which one side even sees no certificate. So there are no tickets, a resumed session is refused, and the
 * certificate is read exactly once (a second read on the dialling side finds none). No date is looked at.
 * SPEC.md, "Connections".
 */
import { constants, createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { PotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdOf } from '../../protocol/ids.js';
import { KEY_BYTES } from '../../protocol/mac.js';
import { ALPN_JOIN, ALPN_MEMBER } from '../../protocol/version.js';

const EXPORTER_LABEL = 'EXPORTER-potluck-v1';

/** What of this PC's identity a connection needs. */
export interface TlsIdentity {
  readonly id: PeerId;
  readonly keyPem: string;
  readonly certificatePem: string;
}

export type Alpn = typeof ALPN_MEMBER | typeof ALPN_JOIN;

/** What a handshake has proved: the peer holds the key of this id. Whether it may do anything is settled later. */
export interface Handshake {
  readonly id: PeerId;
  /** The public key whose hash that is, DER. */
  readonly spki: Buffer;
  readonly alpn: Alpn;
  /** Exported keying material, the same at both ends of this connection and of no other; 32 bytes. */
  readonly exporter: Buffer;
}

/** Key, certificate and the few algorithms that are spoken, for both directions. */
function secureOptions({ keyPem, certificatePem }: TlsIdentity): SecureContextOptions {
  return {
    key: keyPem,
    cert: certificatePem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    ecdhCurve: 'X25519:P-256',
    // Ids are hashes of P-256 keys: no other key need be tried.
    sigalgs: 'ecdsa_secp256r1_sha256',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** @param isJoinOpen  asked at each handshake: is there an invitation that somebody may use now? */
export function serverTlsOptions(identity: TlsIdentity, handshakeMs: number, isJoinOpen: () => boolean): TlsOptions {
  return {
    ...secureOptions(identity),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
    ALPNCallback: ({ protocols }) => {
      if (protocols.includes(ALPN_MEMBER)) return ALPN_MEMBER;
      return protocols.includes(ALPN_JOIN) && isJoinOpen() ? ALPN_JOIN : undefined;
    },
  };
}

/** What every dial of one identity uses; made once. */
export function makeDialContext(identity: TlsIdentity): SecureContext {
  return createSecureContext(secureOptions(identity));
}

export function clientTlsOptions(context: SecureContext, alpn: Alpn): ConnectionOptions {
  return {
    secureContext: context,
    ALPNProtocols: [alpn],
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

/**
 * Reads a finished handshake. Call it once, right after it.
 * @throws PotluckError NOT_ALLOWED: another version or protocol, a resumed session, no certificate, another kind of key
 */
export function readHandshake(socket: TLSSocket): Handshake {
  const alpn = socket.alpnProtocol;
  if (socket.getProtocol() !== 'TLSv1.3') throw refused('another version of TLS');
  // A dialler that offers no protocol at all gets through the handshake.
  if (alpn !== ALPN_MEMBER && alpn !== ALPN_JOIN) throw refused('another protocol');
  if (socket.isSessionReused()) throw refused('a resumed session');
  const spki = spkiOf(socket.getPeerX509Certificate());
  const id = peerIdOf(createHash('sha256').update(spki).digest());
  return { id, spki, alpn, exporter: socket.exportKeyingMaterial(KEY_BYTES, EXPORTER_LABEL, Buffer.from(alpn)) };
}

function spkiOf(certificate: X509Certificate | undefined): Buffer {
  if (certificate === undefined) throw refused('no certificate');
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch {
    throw refused('a key that cannot be read');
  }
  const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (!isP256) throw refused('another kind of key');
  return key.export({ type: 'spki', format: 'der' });
}

function refused(why: string): PotluckError {
  return new PotluckError('NOT_ALLOWED', `the other PC came with ${why}`);
}
