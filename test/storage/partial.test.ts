/** Files that are still arriving: what is verified stays, what is only claimed is hashed again. */
import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { createHasher } from '../../agent/platform/hasher.js';
import { failure, PartialFile } from '../../agent/storage/partial.js';
import { PotluckError } from '../../protocol/errors.js';
import {
  hashPiece,
  type Manifest,
  pieceCount,
  pieceLength,
  rootOf,
  type VerifiedPiece,
  verifyLayer,
  verifyPiece,
} from '../../protocol/manifest.js';
import { start } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const KIB = 1024;

function manifestOf(bytes: Uint8Array): Manifest {
  const layer = Buffer.concat(
    Array.from({ length: pieceCount(bytes.length) }, (_, index) => hashPiece(cut(bytes, index), index, bytes.length)),
  );
  const manifest = verifyLayer(rootOf(layer, bytes.length), bytes.length, layer);
  if (manifest === null) throw new Error('not its layer');
  return manifest;
}

function cut(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * pieceLength(bytes.length), (index + 1) * pieceLength(bytes.length));
}

function pieceOf(manifest: Manifest, bytes: Uint8Array, index: number): VerifiedPiece {
  const piece = verifyPiece(manifest, index, cut(bytes, index));
  if (piece === null) throw new Error('not its piece');
  return piece;
}

function open(t: Case, file: string, manifest: Manifest): PartialFile {
  const partial = PartialFile.open(file, manifest);
  t.defer(() => partial.close());
  return partial;
}

/** What a process leaves that ends at once: nothing is closed in peace. */
function abandon(partial: PartialFile): void {
  closeSync(partial.fd);
}

/** The address of a module of the product, for a script. */
function compiled(name: string): string {
  return JSON.stringify(new URL(`../../${name}`, import.meta.url).href);
}

const whole = randomBytes(1000 * KIB);
const manifest = manifestOf(whole);
const last = pieceCount(whole.length) - 1;

spec('partial file', (it) => {
  it('takes pieces in any order and becomes the file', async (t) => {
    const file = path.join(temporaryFolder(t), '0');
    const partial = open(t, file, manifest);
    if (process.platform !== 'win32') assert.is(statSync(file).mode & 0o777, 0o600);
    for (let index = last; index >= 0; index--) {
      assert.not(partial.have.isFull);
      partial.write(pieceOf(manifest, whole, index));
    }
    await partial.finish(1_700_000_000_250);
    assert.equal(readFileSync(file), whole);
    assert.is(statSync(file).mtimeMs, 1_700_000_000_250);
  });

  it('takes no piece of another content', (t) => {
    const partial = open(t, path.join(temporaryFolder(t), '0'), manifest);
    const other = randomBytes(1000 * KIB);
    assert.throws(() => partial.write(pieceOf(manifestOf(other), other, 0)));
  });

  it('believes what was closed in peace, and goes on', async (t) => {
    const file = path.join(temporaryFolder(t), '0');
    const first = open(t, file, manifest);
    for (const index of [0, 3, last]) first.write(pieceOf(manifest, whole, index));
    await first.close();
    await first.close();
    const second = open(t, file, manifest);
    assert.is(second.have.held, 3);
    assert.equal(second.claimed, []);
    for (let index = 0; index <= last; index++) second.write(pieceOf(manifest, whole, index));
    await second.finish(0);
    assert.equal(readFileSync(file), whole);
  });

  it('only claims what a process left that did not end in peace, also when it began in peace', async (t) => {
    const file = path.join(temporaryFolder(t), '0');
    const first = open(t, file, manifest);
    first.write(pieceOf(manifest, whole, 1));
    await first.close();
    const second = PartialFile.open(file, manifest);
    second.write(pieceOf(manifest, whole, 4));
    abandon(second);
    const third = PartialFile.open(file, manifest);
    assert.is(third.have.held, 0);
    assert.equal(third.claimed, [1, 4]);
    // Closed before the claims were compared: they stay claims.
    await third.close();
    assert.equal(open(t, file, manifest).claimed, [1, 4]);
  });

  it('loses only the wrong pieces when claims are compared with the manifest', async (t) => {
    const file = path.join(temporaryFolder(t), '0');
    const hasher = createHasher();
    t.defer(() => hasher.close());
    const first = PartialFile.open(file, manifest);
    for (let index = 0; index < last; index++) first.write(pieceOf(manifest, whole, index));
    // As after a power cut: the bits are there and the bytes of one piece are not.
    writeSync(first.fd, Buffer.alloc(100), 0, 100, 2 * 128 * KIB);
    abandon(first);
    const second = open(t, file, manifest);
    second.settleClaims(await hasher.compare(second.fd, manifest, second.claimed, () => undefined, t.signal));
    assert.is(second.have.held, last - 1);
    assert.not(second.have.has(2));
    assert.not(second.have.has(last));
    await second.close();
    assert.is(open(t, file, manifest).have.held, last - 1);
  });

  it('has every piece that was written before kill -9', async (t) => {
    const folder = temporaryFolder(t);
    const file = path.join(folder, '0');
    writeFileSync(path.join(folder, 'whole'), whole);
    const script = `const { PartialFile } = await import(${compiled('agent/storage/partial.js')});
      const { readFileSync } = await import('node:fs');
      const { verifyLayer, verifyPiece } = await import(${compiled('protocol/manifest.js')});
      const whole = readFileSync(${JSON.stringify(path.join(folder, 'whole'))});
      const layer = Buffer.from(${JSON.stringify(Buffer.from(manifest.layer).toString('hex'))}, 'hex');
      const manifest = verifyLayer(${JSON.stringify(manifest.content)}, whole.length, layer);
      const partial = PartialFile.open(${JSON.stringify(file)}, manifest);
      for (let i = 0; i < 5; i++) {
        partial.write(verifyPiece(manifest, i, whole.subarray(i * 131072, (i + 1) * 131072)));
        console.log('wrote ' + i + '.');
      }
      setInterval(() => undefined, 1000);`;
    const child = await start(t, process.execPath, ['--input-type=module', '-e', script]);
    await child.line(/wrote 4\./);
    child.signal('SIGKILL');
    await child.ended;
    assert.equal(open(t, file, manifest).claimed, [0, 1, 2, 3, 4]);
  });

  it('claims all of a file whose record was cut off already', (t) => {
    const file = path.join(temporaryFolder(t), '0');
    writeFileSync(file, whole);
    assert.is(open(t, file, manifest).claimed.length, pieceCount(whole.length));
  });

  it('begins anew on what is no part of this content', async (t) => {
    const file = path.join(temporaryFolder(t), '0');
    const other = randomBytes(1000 * KIB);
    const first = open(t, file, manifestOf(other));
    first.write(pieceOf(manifestOf(other), other, 0));
    await first.close();
    const second = open(t, file, manifest);
    assert.is(second.have.held, 0);
    assert.equal(second.claimed, []);
    await second.close();
    truncateSync(file, 500);
    assert.equal(open(t, file, manifest).claimed, []);
  });

  it(
    'says that a folder may not be written, and follows no link',
    (t) => {
      const folder = temporaryFolder(t);
      writeFileSync(path.join(folder, 'outside'), 'untouched');
      symlinkSync('outside', path.join(folder, 'link'));
      for (const file of [path.join(folder, 'missing/0'), path.join(folder, 'link')]) {
        assert.throws(
          () => PartialFile.open(file, manifest),
          (thrown: unknown) => thrown instanceof PotluckError && thrown.code === 'FAILED',
        );
      }
      assert.is(readFileSync(path.join(folder, 'outside'), 'utf8'), 'untouched');
    },
    { needs: () => (process.platform === 'win32' ? 'needs links' : null) },
  );

  const codes: Record<string, string> = { ENOSPC: 'NO_SPACE', EDQUOT: 'NO_SPACE', EACCES: 'FAILED', EIO: 'FAILED' };
  for (const [code, expected] of Object.entries(codes)) {
    it(`says ${expected} for ${code}`, () => {
      assert.is(failure(Object.assign(new Error('write'), { code })).code, expected);
    });
  }
});
