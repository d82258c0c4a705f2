/**
 * The identity of a file's bytes: the file root of BitTorrent v2 (BEP 52), and the checks that follow from it.
 *
 * The bytes are cut into leaves of 16 KiB; a binary tree of SHA-256 stands on the leaves' hashes, widened
 * with zeros to a power of two. Its root is the content id. The *layer* is the row of the tree with one hash
 * a piece: whoever has it, and has seen that it leads to the root, can check each piece alone. The size of a
 * piece follows from the size of the file, so nobody can choose it. SPEC.md, "Content".
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type ContentId, fromHex, hex } from './ids.js';
import { FILE_MAX_BYTES, LEAF_BYTES, PIECE_MAX_BYTES, PIECE_MIN_BYTES, PIECES_AIM_COUNT } from './limits.js';

export const HASH_BYTES = 32;

declare const verified: unique symbol;
/** Bytes of a piece that hash to the layer of the file they are for. `bytes` may be a view into a larger buffer. */
export interface VerifiedPiece {
  readonly content: ContentId;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly [verified]: true;
}

/** What is known of a file once its layer is proved: all it takes to check a piece. */
export interface Manifest {
  readonly content: ContentId;
  readonly size: number;
  /** One hash a piece; for a file of one piece the content id itself. */
  readonly layer: Uint8Array;
}

/** Bytes of every piece of a file of this size but the last. */
export function pieceLength(size: number): number {
  assert(Number.isSafeInteger(size) && size >= 0 && size <= FILE_MAX_BYTES);
  let length = PIECE_MIN_BYTES;
  while (length < PIECE_MAX_BYTES && size / length > PIECES_AIM_COUNT) length *= 2;
  return length;
}

export function pieceCount(size: number): number {
  return Math.ceil(size / pieceLength(size));
}

/** Bytes of one piece; the last one is shorter. */
export function pieceSize(index: number, size: number): number {
  const length = pieceLength(size);
  return Math.min(length, size - index * length);
}

/**
 * The entry of the layer for one piece, 32 bytes.
 * @param bytes  exactly the piece, of a file of `size` bytes, at least one
 */
export function hashPiece(bytes: Uint8Array, index: number, size: number): Uint8Array {
  assert(bytes.byteLength === pieceSize(index, size) && bytes.byteLength > 0);
  const leaves = Math.ceil(bytes.byteLength / LEAF_BYTES);
  // A file of one piece is a tree only as wide as its own leaves need.
  const width = size <= pieceLength(size) ? powerOfTwo(leaves) : pieceLength(size) / LEAF_BYTES;
  const row = new Uint8Array(width * HASH_BYTES);
  for (let leaf = 0; leaf < leaves; leaf++) {
    row.set(sha256(bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)), leaf * HASH_BYTES);
  }
  return fold(row, leaves);
}

/** @param layer  of a file of `size` bytes, at least one: as long as it has to be */
export function rootOf(layer: Uint8Array, size: number): ContentId {
  const pieces = layer.byteLength / HASH_BYTES;
  assert(pieces === pieceCount(size) && pieces > 0);
  const row = new Uint8Array(powerOfTwo(pieces) * HASH_BYTES);
  row.set(layer);
  // What stands for a piece that lies wholly behind the end of the file.
  const padding = zeroRoot(Math.log2(pieceLength(size) / LEAF_BYTES));
  for (let at = layer.byteLength; at < row.byteLength; at += HASH_BYTES) row.set(padding, at);
  return hex(fold(row, powerOfTwo(pieces))) as ContentId;
}

/**
 * A manifest out of a layer that anybody may have sent, or null when it is not the layer of this content.
 * The size is part of the check: it decides how many pieces there are and how the tree is built.
 */
export function verifyLayer(content: ContentId, size: number, layer: Uint8Array): Manifest | null {
  if (size <= 0 || layer.byteLength !== pieceCount(size) * HASH_BYTES) return null;
  return rootOf(layer, size) === content ? { content, size, layer } : null;
}

/** The manifest of a file of one piece: its layer is its content id, so nothing has to be fetched for it. */
export function singlePieceManifest(content: ContentId, size: number): Manifest {
  assert(pieceCount(size) === 1);
  return { content, size, layer: fromHex(content) };
}

/** The piece as one that may be written and passed on, or null when these are not its bytes. */
export function verifyPiece(manifest: Manifest, index: number, bytes: Uint8Array): VerifiedPiece | null {
  const { content, size, layer } = manifest;
  if (index >= pieceCount(size) || bytes.byteLength !== pieceSize(index, size)) return null;
  const actual = hashPiece(bytes, index, size);
  for (let at = 0; at < HASH_BYTES; at++) if (actual[at] !== layer[index * HASH_BYTES + at]) return null;
  return { content, index, bytes } as VerifiedPiece;
}

/** Roots of trees of zeros, by height; each is made when it is first needed. */
const zeros: Uint8Array[] = [new Uint8Array(HASH_BYTES)];

function zeroRoot(height: number): Uint8Array {
  const known = zeros[height];
  if (known !== undefined) return known;
  const below = zeroRoot(height - 1);
  const pair = new Uint8Array(2 * HASH_BYTES);
  pair.set(below);
  pair.set(below, HASH_BYTES);
  return (zeros[height] = sha256(pair));
}

/**
 * The root over a row of hashes, whose space is used up.
 * @param filled  how many entries of the row are not the zero padding of leaves
 */
function fold(row: Uint8Array, filled: number): Uint8Array {
  let used = filled;
  let height = 0;
  for (let width = row.byteLength / HASH_BYTES; width > 1; width /= 2) {
    height += 1;
    for (let at = 0; at < width / 2; at++) {
      const pair = row.subarray(at * 2 * HASH_BYTES, (at * 2 + 2) * HASH_BYTES);
      row.set(at * 2 < used ? sha256(pair) : zeroRoot(height), at * HASH_BYTES);
    }
    used = Math.ceil(used / 2);
  }
  return row.subarray(0, HASH_BYTES);
}

function powerOfTwo(atLeast: number): number {
  let width = 1;
  while (width < atLeast) width *= 2;
  return width;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}
