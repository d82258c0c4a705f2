/**
 * The three frames of a join, as bytes: `u16 length ‖ type ‖ body`, the length counting type and body.
 *
 * They are read one at a time from a paused socket and are all that is parsed before a joiner has proved its
 * code. SPEC.md, "Join".
 */
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { PotluckError } from '../../protocol/errors.js';
import { fromHex, peerIdOf } from '../../protocol/ids.js';
import { parseBoundedJson } from '../../protocol/json.js';
import { JOIN_FRAME_MAX_BYTES, NAME_MAX_BYTES } from '../../protocol/limits.js';
import { KEY_BYTES, lp, MAC_BYTES } from '../../protocol/mac.js';
import { RosterRecord } from '../../protocol/peer/session.js';
import { peerText } from '../../protocol/text.js';
import type { Joined } from '../workgroup/membership.js';
import { readBytes } from './bounded-read.js';

const ASK = 0x01;
const GRANT = 0x02;
const DONE = 0x03;

/** What a workgroup or a PC calls itself. */
const Name = v.pipe(peerText(NAME_MAX_BYTES), v.minLength(1));

/** Joiner to member: the proof of the code, and what the joiner calls itself. */
export interface JoinAsk {
  readonly proof: Buffer;
  readonly name: string;
}

/** Member to joiner: the proof of the same code, and all that a member needs. */
export interface JoinGrant {
  readonly proof: Buffer;
  readonly joined: Joined;
}

export function encodeJoinAsk({ proof, name }: JoinAsk): Buffer {
  return frame(ASK, proof, Buffer.from(name));
}

export function encodeJoinGrant({ proof, joined }: JoinGrant): Buffer {
  const { group, root, name, record } = joined;
  return frame(GRANT, proof, group, fromHex(root), lp(name, JSON.stringify(record)));
}

export function encodeJoinDone(): Buffer {
  return frame(DONE);
}

/** @throws PotluckError BAD_MESSAGE; PEER_UNREACHABLE: it hung up; the signal's reason */
export async function readJoinAsk(socket: Readable, signal: AbortSignal): Promise<JoinAsk> {
  const body = await readFrame(socket, ASK, signal);
  return { proof: part(body, 0, MAC_BYTES), name: text(body.subarray(MAC_BYTES)) };
}

/** @throws PotluckError as above */
export async function readJoinGrant(socket: Readable, signal: AbortSignal): Promise<JoinGrant> {
  const body = await readFrame(socket, GRANT, signal);
  const proof = part(body, 0, MAC_BYTES);
  const group = part(body, MAC_BYTES, KEY_BYTES);
  const root = peerIdOf(part(body, MAC_BYTES + KEY_BYTES, KEY_BYTES));
  const [name, nameEnd] = prefixed(body, MAC_BYTES + 2 * KEY_BYTES);
  const [record, end] = prefixed(body, nameEnd);
  const read = v.safeParse(RosterRecord, parseBoundedJson(record.toString('utf8')));
  if (!read.success || end !== body.length) throw bad();
  return { proof, joined: { group, root, name: text(name), record: read.output } };
}

/** @throws PotluckError as above */
export async function readJoinDone(socket: Readable, signal: AbortSignal): Promise<void> {
  const body = await readFrame(socket, DONE, signal);
  if (body.length > 0) throw bad();
}

function frame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return lp(Buffer.concat([Buffer.from([type]), ...parts]));
}

async function readFrame(socket: Readable, type: number, signal: AbortSignal): Promise<Buffer> {
  const length = (await readBytes(socket, 2, signal)).readUInt16BE();
  if (length < 1 || length > JOIN_FRAME_MAX_BYTES) throw bad();
  const bytes = await readBytes(socket, length, signal);
  if (bytes[0] !== type) throw bad();
  return bytes.subarray(1);
}

function part(body: Buffer, at: number, length: number): Buffer {
  if (body.length < at + length) throw bad();
  return body.subarray(at, at + length);
}

/** @returns the bytes after a u16 length, and where they end */
function prefixed(body: Buffer, at: number): [Buffer, number] {
  const length = part(body, at, 2).readUInt16BE();
  return [part(body, at + 2, length), at + 2 + length];
}

function text(bytes: Buffer): string {
  const read = v.safeParse(Name, bytes.toString('utf8'));
  // Bytes that are no UTF-8 come out longer or changed.
  if (!read.success || !Buffer.from(read.output).equals(bytes)) throw bad();
  return read.output;
}

function bad(): PotluckError {
  return new PotluckError('BAD_MESSAGE', 'a frame of a join is malformed');
}
