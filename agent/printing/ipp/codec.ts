/**
 * IPP messages as bytes and back, without loss (RFC 8010 §3).
 *
 * A message is a flat run of tokens: marks that begin a group, and values with their tag and name. Collections
 * stay flat as well, so nothing has to be understood to be passed on: what was decoded and is encoded
 * again is the same to the byte. Whatever the bytes, decoding ends with a message, with "more is needed",
 * or with a PotluckError, within bounds of size and count.
 */
import assert from 'node:assert/strict';
import { IPP_ANSWER_MAX_BYTES, IPP_ATTRIBUTES_MAX_BYTES, IPP_TOKENS_MAX_COUNT } from '../../../protocol/limits.js';
import { PotluckError } from '../../../protocol/errors.js';
import { GROUP } from './tables.js';

/** Begins a group of attributes. */
export interface GroupToken {
  readonly group: number;
}

/** One value. A further value of the same attribute has the empty name. */
export interface ValueToken {
  readonly tag: number;
  /** Bytes as Latin-1, so that any name comes back as it was. */
  readonly name: string;
  readonly value: Uint8Array;
}

export type Token = GroupToken | ValueToken;

export interface Message {
  /** 0x0101 is IPP/1.1. */
  readonly version: number;
  /** Of a request the operation, of an answer the status. */
  readonly code: number;
  readonly id: number;
  readonly tokens: readonly Token[];
}

export interface Decoded {
  readonly message: Message;
  /** Where the attributes end; what follows is the document. */
  readonly end: number;
}

const HEADER_BYTES = 8;
/** Lengths are signed 16-bit numbers. */
const LENGTH_MAX = 0x7fff;
/** Tags below are groups, those from here on values. */
const FIRST_VALUE_TAG = 0x10;

/**
 * Reads the attributes at the beginning of `bytes`.
 * @returns null when they go on behind the end of `bytes`
 * @throws PotluckError BAD_MESSAGE: not IPP, or beyond the bounds
 */
export function decodeHead(bytes: Uint8Array, maxBytes: number = IPP_ATTRIBUTES_MAX_BYTES): Decoded | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length > 0 && (buffer[0] === 0 || (buffer[0] ?? 0) > 9)) throw bad('it has no version of IPP');
  if (buffer.length <= HEADER_BYTES) return null;
  const tokens: Token[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    if (at > maxBytes) throw bad('its attributes are too large');
    const tag = buffer[at];
    if (tag === undefined) return tooLong(buffer, maxBytes);
    if (tag === GROUP.end) {
      const [version, code, id] = [buffer.readUInt16BE(0), buffer.readUInt16BE(2), buffer.readInt32BE(4)];
      return { message: { version, code, id, tokens }, end: at + 1 };
    }
    if (tokens.length >= IPP_TOKENS_MAX_COUNT) throw bad('it has too many attributes');
    if (tag < FIRST_VALUE_TAG) {
      tokens.push({ group: tag });
      at += 1;
      continue;
    }
    const name = field(buffer, at + 1);
    const value = name && field(buffer, name.end);
    if (value === null) return tooLong(buffer, maxBytes);
    tokens.push({ tag, name: name?.bytes.toString('latin1') ?? '', value: value.bytes });
    at = value.end;
  }
}

/**
 * A whole answer, which has nothing behind its attributes that matters.
 * @throws PotluckError BAD_MESSAGE: not IPP, cut, or beyond the bounds
 */
export function decode(bytes: Uint8Array): Message {
  const decoded = decodeHead(bytes, IPP_ANSWER_MAX_BYTES);
  if (decoded === null) throw bad('it ends too early');
  return decoded.message;
}

/** The bytes of the message; a document may follow them. */
export function encode(message: Message): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(message.version, 0);
  header.writeUInt16BE(message.code, 2);
  header.writeInt32BE(message.id, 4);
  const parts: Uint8Array[] = [header];
  for (const token of message.tokens) {
    if ('group' in token) {
      parts.push(Buffer.of(token.group));
      continue;
    }
    const name = Buffer.from(token.name, 'latin1');
    assert(name.length <= LENGTH_MAX && token.value.length <= LENGTH_MAX, 'an IPP value has at most 32767 bytes');
    const head = Buffer.alloc(name.length + 5);
    head.writeUInt8(token.tag, 0);
    head.writeUInt16BE(name.length, 1);
    name.copy(head, 3);
    head.writeUInt16BE(token.value.length, name.length + 3);
    parts.push(head, token.value);
  }
  parts.push(Buffer.of(GROUP.end));
  return Buffer.concat(parts);
}

/** A length and as many bytes. @returns null when they are not all there */
function field(buffer: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } | null {
  if (at + 2 > buffer.length) return null;
  const length = buffer.readUInt16BE(at);
  if (length > LENGTH_MAX) throw bad('a value has a negative length');
  const end = at + 2 + length;
  return end > buffer.length ? null : { bytes: buffer.subarray(at + 2, end), end };
}

/** More is needed, unless there are too many bytes already. */
function tooLong(buffer: Buffer, maxBytes: number): null {
  if (buffer.length > maxBytes) throw bad('its attributes are too large');
  return null;
}

function bad(why: string): PotluckError {
  return new PotluckError('BAD_MESSAGE', `an IPP message cannot be read: ${why}`);
}
