/** Hashing on a thread: right ids, small before large, nothing believed that changed, aborts that let go. */
import { closeSync, ftruncateSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { createHasher, type Hasher, type HashOutcome } from '../../agent/platform/hasher.js';
import { type OpenFile, openShareFile } from '../../agent/platform/share-files.js';
import { PotluckError } from '../../protocol/errors.js';
import { hashPiece, pieceCount, pieceLength, rootOf, verifyLayer } from '../../protocol/manifest.js';
import type { WirePath } from '../../protocol/path.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ignore = (): void => undefined;

function makeHasher(t: Case): Hasher {
  const hasher = createHasher();
  t.defer(() => hasher.close());
  return hasher;
}

/** Bytes that differ from piece to piece. */
function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += KIB) bytes[at] = (at / KIB) % 251;
  return bytes;
}

function makeFile(t: Case, folder: string, name: string, size: number): OpenFile {
  writeFileSync(path.join(folder, name), pattern(size));
  const open = openShareFile(folder, name as WirePath);
  t.defer(() => closeSync(open.fd));
  return open;
}

/** A file of zeros that takes no space; only its size and time count. */
function makeSparse(t: Case, folder: string, name: string, size: number): OpenFile {
  const fd = openSync(path.join(folder, name), 'w');
  ftruncateSync(fd, size);
  closeSync(fd);
  const open = openShareFile(folder, name as WirePath);
  t.defer(() => closeSync(open.fd));
  return open;
}

function contentOf(outcome: HashOutcome | undefined): string | null {
  if (outcome === undefined || 'code' in outcome) throw new Error(`not hashed: ${JSON.stringify(outcome)}`);
  return outcome.content;
}

spec('hasher', (it) => {
  it('hashes files in order, the empty one without a content id', async (t) => {
    const folder = temporaryFolder(t);
    const sizes = [0, 1, 16 * KIB, 128 * KIB, 128 * KIB + 1, 3 * MIB];
    const files = sizes.map((size, at) => makeFile(t, folder, `${at}`, size));
    let bytes = 0;
    const outcomes = await makeHasher(t).hash(files, (more) => (bytes += more), t.signal);
    assert.is(
      bytes,
      sizes.reduce((sum, size) => sum + size),
    );
    assert.is(contentOf(outcomes[0]), null);
    for (const [at, size] of sizes.entries()) {
      if (size === 0) continue;
      const hashed = outcomes[at];
      if (hashed === undefined || 'code' in hashed) throw new Error('not hashed');
      const whole = pattern(size);
      const layer = Buffer.concat(
        Array.from({ length: pieceCount(size) }, (_, index) =>
          hashPiece(whole.subarray(index * pieceLength(size), (index + 1) * pieceLength(size)), index, size),
        ),
      );
      assert.is(hashed.content, rootOf(layer, size), `${size} bytes`);
      assert.equal(Buffer.from(hashed.layer), layer);
    }
  });

  it('tells which pieces of a file are right', async (t) => {
    const folder = temporaryFolder(t);
    const hasher = makeHasher(t);
    const file = makeFile(t, folder, 'a', 1 * MIB);
    const [hashed] = await hasher.hash([file], ignore, t.signal);
    if (hashed === undefined || 'code' in hashed || hashed.content === null) throw new Error('not hashed');
    const manifest = verifyLayer(hashed.content, 1 * MIB, hashed.layer);
    if (manifest === null) throw new Error('not its layer');
    const writer = openSync(path.join(folder, 'a'), 'r+');
    t.defer(() => closeSync(writer));
    writeSync(writer, 'wrong', 2 * 128 * KIB + 17);
    ftruncateSync(writer, 7 * 128 * KIB);
    assert.equal(await hasher.compare(file.fd, manifest, [7, 2, 1, 0, 6], ignore, t.signal), [1, 0, 6]);
  });

  it('says GONE for a file that changed, and hashes the others', async (t) => {
    const folder = temporaryFolder(t);
    const hasher = makeHasher(t);
    const files = ['a', 'b', 'c', 'd'].map((name) => makeFile(t, folder, name, 200 * KIB));
    writeFileSync(path.join(folder, 'a'), 'short');
    utimesSync(path.join(folder, 'c'), 1, 1);
    const outcomes = await hasher.hash(files, ignore, t.signal);
    assert.equal(
      outcomes.map((outcome) => ('code' in outcome ? outcome.code : 'hashed')),
      ['GONE', 'hashed', 'GONE', 'hashed'],
    );
  });

  it('says GONE when the file grows while it is read', async (t) => {
    const folder = temporaryFolder(t);
    const file = makeSparse(t, folder, 'a', 400 * MIB);
    let grown = false;
    const [outcome] = await makeHasher(t).hash(
      [file],
      () => {
        if (grown) return;
        grown = true;
        writeFileSync(path.join(folder, 'a'), 'more', { flag: 'a' });
      },
      t.signal,
    );
    assert.equal(outcome, { code: 'GONE' });
  });

  it('lets a small file go before a large one', async (t) => {
    const folder = temporaryFolder(t);
    const hasher = makeHasher(t);
    const order: string[] = [];
    let small: Promise<unknown> | null = null;
    const large = hasher.hash(
      [makeSparse(t, folder, 'large', 200 * MIB)],
      () => {
        small ??= hasher.hash([makeFile(t, folder, 'small', 1000)], ignore, t.signal).then(() => order.push('small'));
      },
      t.signal,
    );
    await large.then(() => order.push('large'));
    assert.equal(order, ['small', 'large']);
  });

  it('stops when nobody wants the answer any more, and then goes on with other files', async (t) => {
    const folder = temporaryFolder(t);
    const hasher = makeHasher(t);
    const abort = new AbortController();
    let bytes = 0;
    const hashing = hasher.hash(
      [makeSparse(t, folder, 'large', 800 * MIB)],
      (more) => {
        bytes += more;
        abort.abort(new Error('not wanted'));
      },
      abort.signal,
    );
    await hashing.then(
      () => assert.unreachable(),
      (thrown: Error) => assert.is(thrown.message, 'not wanted'),
    );
    assert.ok(bytes < 400 * MIB, `${bytes} bytes were hashed after all`);
    await hasher.hash([makeFile(t, folder, 'a', 10)], ignore, t.signal);
  });

  it('refuses more jobs than its bound, and what is asked after its end', async (t) => {
    const folder = temporaryFolder(t);
    const hasher = createHasher();
    const file = makeSparse(t, folder, 'large', 8000 * MIB);
    const jobs: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n++) jobs.push(hasher.hash([file], ignore, t.signal));
    const codes = Promise.allSettled(jobs).then((settled) =>
      settled.map((one) => (one.status === 'rejected' ? (one.reason as PotluckError).code : 'done')),
    );
    await hasher.close();
    await hasher.close();
    assert.equal(await codes, [...Array<string>(32).fill('CANCELLED'), ...Array<string>(8).fill('BUSY')]);
    await hasher.hash([file], ignore, t.signal).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.ok(thrown instanceof PotluckError),
    );
  });
});
