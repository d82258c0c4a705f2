/**
 * The proof that comes before any parser: 36 bytes each way, the dialler's first.
 *
 * It shows that both ends hold the workgroup's key and look at the same TLS connection from its two ends,
 * so nothing that was recorded, reflected or relayed passes. Whoever fails it has reached none of the HTTP,
 * WebSocket and JSON parsers. SPEC.md, "Preface".
 */
import type { Duplex } from 'node:stream';
import { PotluckError } from '../../protocol/errors.js';
import { linkProof, type LinkEnds, MAC_BYTES, sameMac } from '../../protocol/mac.js';
import { hasUnread, readBytes } from './bounded-read.js';

/** "PTL" and the version of the preface. */
const MAGIC = Buffer.from([0x50, 0x54, 0x4c, 0x01]);
const PREFACE_BYTES = MAGIC.length + MAC_BYTES;

/**
 * The dialler's side: proves, then believes only the right answer.
 * @throws PotluckError NOT_ALLOWED: a wrong proof, or bytes after it; PEER_UNREACHABLE: it hung up
 */
export async function provePreface(
  socket: Duplex,
  group: Uint8Array,
  ends: LinkEnds,
  signal: AbortSignal,
): Promise<void> {
  socket.write(Buffer.concat([MAGIC, linkProof(group, 'client', ends)]));
  await expect(socket, linkProof(group, 'server', ends), signal);
}

/**
 * The listener's side: says nothing at all unless the dialler's proof is right.
 * @throws as above
 */
export async function answerPreface(
  socket: Duplex,
  group: Uint8Array,
  ends: LinkEnds,
  signal: AbortSignal,
): Promise<void> {
  await expect(socket, linkProof(group, 'client', ends), signal);
  socket.write(Buffer.concat([MAGIC, linkProof(group, 'server', ends)]));
}

async function expect(socket: Duplex, proof: Buffer, signal: AbortSignal): Promise<void> {
  const bytes = await readBytes(socket, PREFACE_BYTES, signal);
  const isRight = bytes.subarray(0, MAGIC.length).equals(MAGIC) && sameMac(bytes.subarray(MAGIC.length), proof);
  // Neither side speaks again before it has seen the other's proof: more bytes are no agent's.
  if (!isRight || hasUnread(socket)) throw new PotluckError('NOT_ALLOWED', 'the other PC is not of this workgroup');
}
