/**
 * A connection to a print system: TCP, TLS or a Unix socket.
 *
 * No authority vouches for a printer's certificate, so the one that it shows first is remembered and asked
 * for from then on, before a byte of a document leaves this PC.
 */
import { createHash } from 'node:crypto';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { PotluckError } from '../../../protocol/errors.js';
import type { Clock } from '../../platform/clock.js';
import type { IppPlace } from './place.js';

/** What is known about the certificate of one printer: its SHA-256 in hex. */
export interface CertificatePin {
  get(): string | null;
  /** Resolves when it is safe. */
  set(fingerprint: string): Promise<void>;
}

/**
 * @param signal  gives up
 * @throws PotluckError PRINTER_FAILED: nobody there, or somebody else; TIMEOUT; the signal's reason
 */
export async function connect(
  place: IppPlace,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
  pin?: CertificatePin,
): Promise<Socket> {
  const isSecure = place.type === 'tcp' && place.tls;
  const socket = open(place);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  const cancel = clock.after(timeoutMs, () => reject(new PotluckError('TIMEOUT', 'the printer cannot be reached')));
  socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve());
  // It stays for good: an error between two owners of the socket must end nothing but the socket.
  socket.on('error', (thrown) => reject(unreachable(thrown)));
  socket.once('close', () => reject(new PotluckError('PRINTER_FAILED', 'the printer hung up')));
  try {
    await promise;
    if (isSecure && pin !== undefined) await check(socket as TLSSocket, pin);
    signal.throwIfAborted();
    return socket;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}

function open(place: IppPlace): Socket {
  if (place.type === 'socket') return connectPlain({ path: place.path });
  const { host, port, tls } = place;
  if (!tls) return connectPlain({ host, port });
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, ...servername, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
}

async function check(socket: TLSSocket, pin: CertificatePin): Promise<void> {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new PotluckError('PRINTER_FAILED', 'the printer shows no certificate');
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  const known = pin.get();
  if (known === null) await pin.set(fingerprint);
  else if (known !== fingerprint) {
    throw new PotluckError('PRINTER_FAILED', 'the printer shows another certificate than when it was added', {
      hint: 'if it was exchanged or reset, remove the printer and add it again',
    });
  }
}

function unreachable(thrown: Error): PotluckError {
  const code = 'code' in thrown ? String(thrown.code) : '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOENT: 'nothing listens there',
    ENOTFOUND: 'its name is not known in this network',
    EAI_AGAIN: 'its name is not known in this network',
    EHOSTUNREACH: 'it is off or not in this network',
    ENETUNREACH: 'this PC has no network',
    ETIMEDOUT: 'it is off or not in this network',
    EACCES: 'this user may not use it',
  };
  return new PotluckError(
    'PRINTER_FAILED',
    `the printer cannot be reached: ${known[code] ?? (code || 'no connection')}`,
    {
      cause: thrown,
    },
  );
}
