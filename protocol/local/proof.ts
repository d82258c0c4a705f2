/**
 * The bytes with which agent and local client prove the token to each other, before either parses anything.
 *
 * The mode of a Unix socket keeps other users out, but a Windows pipe can be opened, and its name taken, by
 * everybody; so both prove, on every platform. SPEC.md, "Local API".
 */
import { KEY_BYTES, localProof, MAC_BYTES, sameMac } from '../mac.js';

/** "PTC" and the version of the local API. */
const MAGIC = Uint8Array.of(0x50, 0x54, 0x43, 0x01);

/** What the agent sends first, what the client answers, and what the agent ends with. */
export const GREETING_BYTES = MAGIC.length + KEY_BYTES;
export const CLIENT_PROOF_BYTES = KEY_BYTES + MAC_BYTES;
export const SERVER_PROOF_BYTES = MAC_BYTES;

/** @param nonce  32 random bytes, used for this connection only */
export function greeting(nonce: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, nonce]);
}

/** @returns the agent's nonce, or null when these are not the bytes of a greeting */
export function readGreeting(bytes: Uint8Array): Uint8Array | null {
  const fits = bytes.length === GREETING_BYTES && MAGIC.every((byte, at) => bytes[at] === byte);
  return fits ? bytes.subarray(MAGIC.length) : null;
}

/** The client's answer to the greeting that carried `server`. */
export function clientProof(token: Uint8Array, server: Uint8Array, client: Uint8Array): Buffer {
  return Buffer.concat([client, localProof(token, 'client', { server, client })]);
}

/** @returns the agent's final proof, or null when the client's is wrong */
export function answerClientProof(token: Uint8Array, server: Uint8Array, answer: Uint8Array): Buffer | null {
  const client = answer.subarray(0, KEY_BYTES);
  const nonces = { server, client };
  if (!sameMac(localProof(token, 'client', nonces), answer.subarray(KEY_BYTES))) return null;
  return localProof(token, 'server', nonces);
}

/** Did the program at the other end prove that it holds the token, too? */
export function isServerProof(
  token: Uint8Array,
  nonces: { readonly server: Uint8Array; readonly client: Uint8Array },
  proof: Uint8Array,
): boolean {
  return sameMac(localProof(token, 'server', nonces), proof);
}

/** The token as its file holds it. @returns null when this is not a token */
export function readToken(text: string): Uint8Array | null {
  const match = /^([0-9a-f]{64})\n?$/.exec(text);
  return match === null ? null : Buffer.from(match[1] ?? '', 'hex');
}

export function tokenText(token: Uint8Array): string {
  return `${Buffer.from(token).toString('hex')}\n`;
}
