/**
 * The binary frames on a `/v1/pieces` connection. SPEC.md, "Pieces".
 *
 *   request   01 ‖ u32 id ‖ content(32) ‖ u32 index          one piece
 *             02 ‖ u32 id ‖ content(32)                      the piece layer
 *   cancel    03 ‖ u32 id
 *   data      10 ‖ u32 id ‖ u32 offset ‖ u32 total ‖ bytes   offset within the piece or layer
 *   failure   11 ‖ u32 id ‖ ASCII error code
 *
 * Integers are big-endian. An answer is one or more data frames in order, the last one reaching `total`,
 * or one failure. The id is chosen by the asker, unique among its unanswered requests on the connection.
 */
import { BINARY_FRAME_MAX_BYTES, FILE_MAX_BYTES, PIECE_MAX_BYTES } from '../limits.js';
import { type ErrorCode, isErrorCode, PotluckError } from '../errors.js';
import { type ContentId, fromHex, hex } from '../ids.js';

/** A layer of the largest file: 32 bytes a piece. */
const LAYER_MAX_BYTES = (FILE_MAX_BYTES / PIECE_MAX_BYTES) * 32;
const PIECE = 0x01;
const LAYER = 0x02;
const CANCEL = 0x03;
const DATA = 0x10;
const FAILURE = 0x11;
export const DATA_HEADER_BYTES = 13;

export type PieceFrame =
  | { readonly type: 'piece'; readonly id: number; readonly content: ContentId; readonly index: number }
  | { readonly type: 'layer'; readonly id: number; readonly content: ContentId }
  | { readonly type: 'cancel'; readonly id: number }
  | {
      readonly type: 'data';
      readonly id: number;
      readonly offset: number;
      readonly total: number;
      /** A view into the frame that was received: copy what is kept. */
      readonly bytes: Uint8Array;
    }
  | { readonly type: 'failure'; readonly id: number; readonly code: ErrorCode };

/** The frame's bytes; for data only the header, so that the bytes are not copied: see `encodeDataInto`. */
export function encodePieceFrame(frame: Exclude<PieceFrame, { type: 'data' }>): Uint8Array {
  switch (frame.type) {
    case 'piece':
      return build(PIECE, frame.id, fromHex(frame.content), u32(frame.index));
    case 'layer':
      return build(LAYER, frame.id, fromHex(frame.content));
    case 'cancel':
      return build(CANCEL, frame.id);
    case 'failure':
      return build(FAILURE, frame.id, new TextEncoder().encode(frame.code));
    default:
      return frame satisfies never;
  }
}

/** Writes the header of a data frame to the first DATA_HEADER_BYTES of `frame`; the bytes follow it there. */
export function encodeDataInto(frame: Uint8Array, id: number, offset: number, total: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  view.setUint8(0, DATA);
  view.setUint32(1, id);
  view.setUint32(5, offset);
  view.setUint32(9, total);
}

/** @throws PotluckError BAD_MESSAGE: no frame of ours, or a length that cannot be */
export function decodePieceFrame(frame: Uint8Array): PieceFrame {
  if (frame.byteLength < 5) throw bad();
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const id = view.getUint32(1);
  switch (view.getUint8(0)) {
    case PIECE:
      if (frame.byteLength !== 41) throw bad();
      return { type: 'piece', id, content: hex(frame.subarray(5, 37)) as ContentId, index: view.getUint32(37) };
    case LAYER:
      if (frame.byteLength !== 37) throw bad();
      return { type: 'layer', id, content: hex(frame.subarray(5, 37)) as ContentId };
    case CANCEL:
      if (frame.byteLength !== 5) throw bad();
      return { type: 'cancel', id };
    case DATA:
      return decodeData(frame, view, id);
    case FAILURE:
      return { type: 'failure', id, code: decodeCode(frame.subarray(5)) };
    default:
      throw bad();
  }
}

function decodeData(frame: Uint8Array, view: DataView, id: number): PieceFrame {
  if (frame.byteLength <= DATA_HEADER_BYTES) throw bad();
  const offset = view.getUint32(5);
  const total = view.getUint32(9);
  const bytes = frame.subarray(DATA_HEADER_BYTES);
  const fits = bytes.byteLength <= BINARY_FRAME_MAX_BYTES && total <= Math.max(PIECE_MAX_BYTES, LAYER_MAX_BYTES);
  if (!fits || offset + bytes.byteLength > total) throw bad();
  return { type: 'data', id, offset, total, bytes };
}

function decodeCode(bytes: Uint8Array): ErrorCode {
  const text = bytes.byteLength <= 32 ? new TextDecoder('latin1').decode(bytes) : '';
  return isErrorCode(text) ? text : 'FAILED';
}

function build(type: number, id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const frame = new Uint8Array(5 + parts.reduce((sum, part) => sum + part.byteLength, 0));
  frame[0] = type;
  frame.set(u32(id), 1);
  let at = 5;
  for (const part of parts) {
    frame.set(part, at);
    at += part.byteLength;
  }
  return frame;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function bad(): PotluckError {
  return new PotluckError('BAD_MESSAGE', 'a piece frame is malformed');
}
