/** BEP 52 file roots against the plain recursive definition, and forged layers and pieces refused. */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { ContentId } from '../../protocol/ids.js';
import { FILE_MAX_BYTES, PIECE_MAX_BYTES } from '../../protocol/limits.js';
import {
  HASH_BYTES,
  hashPiece,
  pieceCount,
  pieceLength,
  pieceSize,
  rootOf,
  singlePieceManifest,
  verifyLayer,
  verifyPiece,
} from '../../protocol/manifest.js';
import { spec } from '../support/spec.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The definition of BEP 52, told as simply as it can be: leaves, zeros up to a power of two, pairs upwards. */
function plainRoot(bytes: Uint8Array): string {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16 * KIB) leaves.push(sha256(bytes.subarray(at, at + 16 * KIB)));
  while (!Number.isInteger(Math.log2(leaves.length))) leaves.push(Buffer.alloc(32));
  return pairUp(leaves).toString('hex');
}

function pairUp(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  const half = hashes.length / 2;
  return sha256(Buffer.concat([pairUp(hashes.slice(0, half)), pairUp(hashes.slice(half))]));
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Bytes that differ everywhere, the same for each run. */
function sample(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const length = pieceLength(bytes.length);
  return Array.from({ length: pieceCount(bytes.length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

function layerOf(bytes: Uint8Array): Uint8Array {
  return Buffer.concat(piecesOf(bytes).map((piece, index) => hashPiece(piece, index, bytes.length)));
}

spec('piece length', (it) => {
  const table: [number, number][] = [
    [0, 128 * KIB],
    [1, 128 * KIB],
    [128 * MIB, 128 * KIB],
    [128 * MIB + 1, 256 * KIB],
    [1024 * MIB, 1 * MIB],
    [4096 * MIB, 4 * MIB],
    [FILE_MAX_BYTES, PIECE_MAX_BYTES],
  ];
  for (const [size, length] of table) {
    it(`of a file of ${size} bytes is ${length}`, () => assert.is(pieceLength(size), length));
  }

  it('leaves a shorter last piece', () => {
    assert.is(pieceCount(300 * KIB), 3);
    assert.is(pieceSize(0, 300 * KIB), 128 * KIB);
    assert.is(pieceSize(2, 300 * KIB), 44 * KIB);
    assert.is(pieceCount(0), 0);
    assert.is(pieceCount(256 * KIB), 2);
  });
});

spec('file root', (it) => {
  // SHA-256 of "a", and of 16 KiB of zeros: a file of one leaf is that leaf.
  it('of one leaf is the SHA-256 of the file', () => {
    const root = rootOf(layerOf(new TextEncoder().encode('a')), 1);
    assert.is(root, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
    const zeros = new Uint8Array(16 * KIB);
    assert.is(rootOf(layerOf(zeros), zeros.length), '4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe');
  });

  const edges = [16, 32, 48, 112, 128, 144, 256, 272, 384, 640, 1024].map((kib) => kib * KIB);
  const sizes = [1, 1000, 100 * KIB, ...edges.flatMap((size) => [size - 1, size, size + 1])];
  for (const size of sizes) {
    it(`of ${size} bytes is what the definition gives`, () => {
      const bytes = sample(size);
      assert.is(rootOf(layerOf(bytes), size), plainRoot(bytes));
    });
  }

  it('does not depend on the size of pieces', () => {
    const bytes = sample(128 * MIB + 5);
    assert.is(pieceLength(bytes.length), 256 * KIB);
    assert.is(rootOf(layerOf(bytes), bytes.length), plainRoot(bytes));
  });
});

spec('verifyLayer', (it) => {
  const bytes = sample(700 * KIB);
  const layer = layerOf(bytes);
  const content = rootOf(layer, bytes.length);

  it('takes the layer of the content', () => {
    assert.equal(verifyLayer(content, bytes.length, layer), { content, size: bytes.length, layer });
  });

  const flipped = Uint8Array.from(layer);
  flipped[40] = (flipped[40] ?? 0) ^ 1;
  const swapped = Buffer.concat([layer.subarray(32, 64), layer.subarray(0, 32), layer.subarray(64)]);
  const padded = Buffer.concat([layer, new Uint8Array(32), new Uint8Array(32)]);
  const refused: [string, number, Uint8Array][] = [
    ['a changed bit', bytes.length, flipped],
    ['two pieces swapped', bytes.length, swapped],
    ['a short layer', bytes.length, layer.subarray(32)],
    ['a padded layer', bytes.length, padded],
    ['half a hash', bytes.length, layer.subarray(0, layer.length - 16)],
    ['an empty layer', bytes.length, new Uint8Array(0)],
    ['a size with fewer pieces', 500 * KIB, layer],
    ['a size with pieces of another length', 200 * MIB, layer],
    ['the root as a layer', 1, layer.subarray(0, 32)],
    ['no size', 0, new Uint8Array(0)],
  ];
  for (const [what, size, forged] of refused) {
    it(`refuses ${what}`, () => assert.is(verifyLayer(content, size, forged), null));
  }

  it('refuses the row above as the layer of a smaller file', () => {
    const above = Buffer.concat([0, 2, 4].map((at) => pairUp([entry(layer, at), entry(layer, at + 1)])));
    assert.is(verifyLayer(content, 3 * 128 * KIB, above), null);
  });
});

function entry(layer: Uint8Array, index: number): Buffer {
  return Buffer.from(layer.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}

spec('verifyPiece', (it) => {
  it('takes every piece of the file at its own place and nowhere else', () => {
    const bytes = sample(300 * KIB);
    const manifest = verifyLayer(rootOf(layerOf(bytes), bytes.length), bytes.length, layerOf(bytes));
    if (manifest === null) throw new Error('not its layer');
    const pieces = piecesOf(bytes);
    pieces.forEach((piece, index) => {
      assert.is(verifyPiece(manifest, index, piece)?.bytes, piece);
      assert.is(verifyPiece(manifest, (index + 1) % pieces.length, piece), null);
    });
    assert.is(verifyPiece(manifest, 3, bytes.subarray(0, 128 * KIB)), null);
  });

  it('refuses one wrong bit, a missing and a further byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 * KIB }), fc.nat(), fc.nat(7), (bytes, at, bit) => {
        const manifest = singlePieceManifest(rootOf(layerOf(bytes), bytes.length), bytes.length);
        assert.ok(verifyPiece(manifest, 0, bytes));
        const wrong = Uint8Array.from(bytes);
        wrong[at % wrong.length] = (wrong[at % wrong.length] ?? 0) ^ (1 << bit);
        assert.is(verifyPiece(manifest, 0, wrong), null);
        assert.is(verifyPiece(manifest, 0, bytes.subarray(1)), null);
        assert.is(verifyPiece(manifest, 0, Buffer.concat([bytes, new Uint8Array(1)])), null);
      }),
      { numRuns: 60 },
    );
  });

  it('knows a file of one piece by its content id alone', () => {
    const bytes = sample(128 * KIB);
    const content = plainRoot(bytes) as ContentId;
    assert.ok(verifyPiece(singlePieceManifest(content, bytes.length), 0, bytes));
  });
});
