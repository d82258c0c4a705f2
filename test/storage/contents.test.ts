/** The cache of content ids: believed for one state of a file, and never when that is in doubt. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { Hashed } from '../../agent/platform/hasher.js';
import { silentLog } from '../../agent/platform/log.js';
import type { FileStamp } from '../../agent/platform/share-files.js';
import { Contents, type HashedFile, stampText } from '../../agent/storage/contents.js';
import { openDatabase } from '../../agent/storage/database.js';
import type { ContentId } from '../../protocol/ids.js';
import { hashPiece, pieceCount, rootOf, verifyPiece } from '../../protocol/manifest.js';
import type { WirePath } from '../../protocol/path.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const KIB = 1024;
const NOW_MS = Date.UTC(2026, 0, 5);

function openContents(t: Case, file = path.join(temporaryFolder(t), 'index.db')): Contents {
  const contents = new Contents(file, silentLog);
  t.defer(() => contents.close());
  return contents;
}

function hashedOf(bytes: Uint8Array, ino = 7n): Hashed & { content: ContentId } {
  const size = bytes.length;
  const layer = Buffer.concat(
    Array.from({ length: pieceCount(size) }, (_, index) =>
      hashPiece(bytes.subarray(index * 128 * KIB, (index + 1) * 128 * KIB), index, size),
    ),
  );
  const stamp: FileStamp = { size, mtimeNs: 1_767_571_200_123_456_789n, ino };
  return { stamp, content: rootOf(layer, size), layer };
}

function fileAt(file: string, hashed: Hashed, ageMs = 60_000): HashedFile {
  return { root: '/share', path: file as WirePath, hashed, modifiedMs: NOW_MS - ageMs, hashedMs: NOW_MS };
}

const small = hashedOf(Buffer.from('some bytes'));
const large = hashedOf(Buffer.alloc(300 * KIB, 'large'));
const at = (file: string): { root: string; path: WirePath } => ({ root: '/share', path: file as WirePath });

spec('contents', (it) => {
  it('finds a file in the state that was hashed and in no other', (t) => {
    const contents = openContents(t);
    contents.remember([fileAt('a', small)]);
    assert.is(contents.find(at('a'), small.stamp), small.content);
    for (const change of [{ size: 11 }, { mtimeNs: 1_767_571_200_123_456_788n }, { ino: 8n }]) {
      assert.is(contents.find(at('a'), { ...small.stamp, ...change }), undefined);
    }
    assert.is(contents.find(at('b'), small.stamp), undefined);
    assert.is(contents.find({ ...at('a'), root: '/other' }, small.stamp), undefined);
  });

  it('knows an empty file without hashing', (t) => {
    assert.is(openContents(t).find(at('a'), { size: 0, mtimeNs: 1n, ino: 1n }), null);
  });

  it('does not believe a file that was written just before it was hashed', (t) => {
    const contents = openContents(t);
    contents.remember([fileAt('a', small, 500), fileAt('b', small, -500), fileAt('c', small, -3_600_000)]);
    assert.is(contents.find(at('a'), small.stamp), undefined);
    assert.is(contents.find(at('b'), small.stamp), undefined);
    assert.is(contents.find(at('c'), small.stamp), small.content);
    // Its bytes are served all the same: whoever gets them checks them.
    assert.is([...contents.filesOf(small.content)].length, 3);
    contents.remember([fileAt('a', small, 5000)]);
    assert.is(contents.find(at('a'), small.stamp), small.content);
  });

  it('tells every file of a content, the newest knowledge first, up to its bound', (t) => {
    const contents = openContents(t);
    contents.remember(Array.from({ length: 20 }, (_, n) => fileAt(`${n}`, small)));
    contents.remember([fileAt('3', small)]);
    const files = [...contents.filesOf(small.content)];
    assert.is(files[0]?.path, '3');
    assert.is(files[0]?.stamp, stampText(small.stamp));
    assert.is(files.length, 8);
    assert.equal([...contents.filesOf(large.content)], []);
  });

  it('gives what it takes to check pieces, of one piece and of several', (t) => {
    const contents = openContents(t);
    contents.remember([fileAt('a', small), fileAt('b', large)]);
    const one = contents.manifestOf(small.content);
    assert.ok(one !== null && verifyPiece(one, 0, Buffer.from('some bytes')));
    const many = contents.manifestOf(large.content);
    assert.ok(many !== null && verifyPiece(many, 2, Buffer.alloc(300 * KIB, 'large').subarray(256 * KIB)));
    assert.is(contents.manifestOf('ab'.repeat(32) as ContentId), null);
  });

  it('keeps what it knows when it is opened again, and forgets what it is told', async (t) => {
    const file = path.join(temporaryFolder(t), 'index.db');
    const first = openContents(t, file);
    first.remember([fileAt('a', small), fileAt('b', large), fileAt('c', large)]);
    first.forget(at('a'), small.content);
    first.forget(at('b'), large.content);
    await first.close();
    const second = openContents(t, file);
    assert.is(second.find(at('a'), small.stamp), undefined);
    assert.is(second.find(at('c'), large.stamp), large.content);
    assert.ok(second.manifestOf(large.content));
    second.forgetRoot('/share');
    assert.equal([...second.filesOf(large.content)], []);
  });

  it('does not give a layer that has been damaged on the disk', async (t) => {
    const file = path.join(temporaryFolder(t), 'index.db');
    const first = openContents(t, file);
    first.remember([fileAt('b', large)]);
    await first.close();
    const database = openDatabase(file, [], silentLog, 'cache');
    const wrong = Uint8Array.from(large.layer);
    wrong[5] = (wrong[5] ?? 0) ^ 1;
    database.sql.prepare('UPDATE layer SET hashes = ?').run(wrong);
    await database.close();
    assert.is(openContents(t, file).manifestOf(large.content), null);
  });

  it('begins anew when its file is damaged', (t) => {
    const file = path.join(temporaryFolder(t), 'index.db');
    writeFileSync(file, 'no database at all '.repeat(100));
    const contents = openContents(t, file);
    contents.remember([fileAt('a', small)]);
    assert.is(contents.find(at('a'), small.stamp), small.content);
  });

  it('goes on in memory when its file cannot be written, and says so', async (t) => {
    const file = path.join(temporaryFolder(t), 'index.db');
    const warned: string[] = [];
    const contents = new Contents(file, { ...silentLog, warn: (event) => void warned.push(event) });
    t.defer(() => contents.close());
    contents.remember([fileAt('a', small)]);
    const other = openDatabase(file, [], silentLog, 'cache');
    other.sql.exec('DROP TABLE file');
    await other.close();
    contents.remember([fileAt('b', large)]);
    contents.remember([fileAt('c', small)]);
    assert.equal(warned, ['contents.in-memory']);
    assert.is(contents.find(at('b'), large.stamp), large.content);
    assert.ok(contents.manifestOf(large.content));
    assert.is([...contents.filesOf(small.content)].length, 1);
  });
});
