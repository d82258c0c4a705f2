/**
 * The self-signed certificate that carries this PC's key into TLS: X.509 v3 (RFC 5280) in DER, written by hand.
 *
 * Nothing in it says anything but the key: a constant name, because whoever connects may see it, no extensions,
 * and no end ("99991231235959Z", RFC 5280 §4.1.2.5), because no date is ever looked at. The template is fixed and
 * nothing is parsed here, which is less than any package for certificates does. SPEC.md, "Identity".
 */
import { sign, type KeyObject } from 'node:crypto';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** `[0] EXPLICIT`, around the version. */
const EXPLICIT_0 = 0xa0;

const VERSION_3 = Buffer.from([2]);
const SERIAL_BYTES = 16;
/** Object identifiers: 2.5.4.3 (commonName) and 1.2.840.10045.4.3.2 (ecdsa-with-SHA256), RFC 5280 and RFC 5758. */
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');

/**
 * @param spki    the public key, DER
 * @param random  gives that many random bytes
 * @returns DER, about 290 bytes
 */
export function makeCertificate(
  privateKey: KeyObject,
  spki: Uint8Array,
  random: (count: number) => Uint8Array,
): Buffer {
  const algorithm = der(SEQUENCE, ECDSA_SHA256);
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from('potluck')))));
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from('200101000000Z')),
    der(GENERALIZED_TIME, Buffer.from('99991231235959Z')),
  );
  const toBeSigned = der(
    SEQUENCE,
    der(EXPLICIT_0, der(INTEGER, VERSION_3)),
    der(INTEGER, serial(random)),
    algorithm,
    name,
    validity,
    name,
    spki,
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const noUnusedBits = Buffer.from([0]);
  return der(SEQUENCE, toBeSigned, algorithm, der(BIT_STRING, noUnusedBits, signature));
}

export function certificatePem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Positive, and its first byte not zero, so that it is written in all its bytes. */
function serial(random: (count: number) => Uint8Array): Buffer {
  const bytes = Buffer.from(random(SERIAL_BYTES));
  bytes.writeUInt8(((bytes[0] ?? 0) & 0x7f) | 0x40);
  return bytes;
}

/** One value: tag, length in the shortest form, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}
