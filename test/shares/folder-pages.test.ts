/** Browsing: every entry once, page by page, while the folder changes. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import type { LocalShare } from '../../agent/shares/local-shares.js';
import { BROWSE_PAGE_MAX_COUNT, MESSAGE_MAX_BYTES } from '../../protocol/limits.js';
import { type ShareEntry, SharesBrowseAnswer, SharesStatAnswer } from '../../protocol/peer/shares.js';
import { FakeClock } from '../support/fake-clock.js';
import { makePc, refusal, type SharingPc, wire } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

/** Every entry of a folder, page by page, each page read by the schema of the wire. */
async function allOf(pc: SharingPc, share: LocalShare, folder: string, limit: number, t: Case): Promise<ShareEntry[]> {
  const entries: ShareEntry[] = [];
  let cursor: string | null = null;
  do {
    const answer = await pc.shares.browse(share, wire(folder), cursor, limit, t.signal);
    const page: v.InferOutput<typeof SharesBrowseAnswer> = v.parse(SharesBrowseAnswer, answer);
    entries.push(...page.entries);
    cursor = page.next;
  } while (cursor !== null);
  return entries;
}

spec('browsing', (it) => {
  it('tells folders first, then files, as people sort them', async (t) => {
    const { pc, folder } = makePc(t, ['b 10', 'b 2', 'Ähre', 'zoo/', 'Alm/', 'a']);
    const share = pc.shares.add(folder, {});
    const entries = await allOf(pc, share, '', 100, t);
    assert.equal(
      entries.map((entry) => entry.name),
      ['Alm', 'zoo', 'a', 'Ähre', 'b 2', 'b 10'],
    );
    assert.equal(entries[5], {
      name: 'b 10',
      type: 'file',
      size: 15,
      modified: 1_700_000_000_000,
      content: null,
    });
    assert.equal(entries[0], { name: 'Alm', type: 'folder', size: 0, modified: 1_700_000_000_000, content: null });
  });

  it('gives pages of a large folder without a gap while it changes, and reads it once', async (t) => {
    const { pc, folder } = makePc(t);
    for (let n = 0; n < 1000; n++) writeFileSync(path.join(folder, `f${n}`), '');
    const share = pc.shares.add(folder, {});
    const first = await pc.shares.browse(share, wire(''), null, 256, t.signal);
    assert.is(first.total, 1000);
    rmSync(path.join(folder, 'f300'));
    writeFileSync(path.join(folder, 'f0-new'), '');
    const names = first.entries.map((entry) => entry.name);
    let { next } = first;
    while (next !== null) {
      const page = await pc.shares.browse(share, wire(''), next, 256, t.signal);
      names.push(...page.entries.map((entry) => entry.name));
      ({ next } = page);
    }
    const expected = Array.from({ length: 1000 }, (_, n) => `f${n}`).filter((name) => name !== 'f300');
    assert.equal(names, expected);
  });

  it('goes on behind the same name when its list is kept no longer, and says when that is gone', async (t) => {
    const { pc, folder } = makePc(t);
    for (const name of ['a', 'b', 'c', 'd']) writeFileSync(path.join(folder, name), '');
    const share = pc.shares.add(folder, {});
    const first = await pc.shares.browse(share, wire(''), null, 2, t.signal);
    assert.ok(first.next);
    // The list is let go of because other folders were read since.
    for (let n = 0; n < 20; n++) {
      mkdirSync(path.join(folder, `x${n}`));
      await pc.shares.browse(share, wire(`x${n}`), null, 1, t.signal);
      rmSync(path.join(folder, `x${n}`), { recursive: true });
    }
    writeFileSync(path.join(folder, 'a1'), '');
    const second = await pc.shares.browse(share, wire(''), first.next, 1, t.signal);
    assert.is(second.entries[0]?.name, 'c');
    rmSync(path.join(folder, 'b'));
    for (let n = 0; n < 20; n++) {
      mkdirSync(path.join(folder, `y${n}`));
      await pc.shares.browse(share, wire(`y${n}`), null, 1, t.signal);
      rmSync(path.join(folder, `y${n}`), { recursive: true });
    }
    assert.is(await refusal(() => pc.shares.browse(share, wire(''), first.next ?? null, 1, t.signal)), 'GONE');
  });

  it('does not take a cursor of another folder, nor one that it never gave', async (t) => {
    const { pc, folder } = makePc(t, ['sub/', 'sub/a', 'sub/b', 'c']);
    const share = pc.shares.add(folder, {});
    const { next } = await pc.shares.browse(share, wire('sub'), null, 1, t.signal);
    assert.is(await refusal(() => pc.shares.browse(share, wire(''), next, 1, t.signal)), 'GONE');
    for (const cursor of [
      'x',
      '0-0-0',
      `${'0'.repeat(12)}-1-${'0'.repeat(12)}`,
      `${'0'.repeat(12)}-999999-abcdef012345`,
    ]) {
      assert.is(await refusal(() => pc.shares.browse(share, wire(''), cursor, 1, t.signal)), 'GONE', cursor);
    }
  });

  it('ends a page of long names before a message is full', async (t) => {
    const { pc, folder } = makePc(t);
    for (let n = 0; n < 600; n++) writeFileSync(path.join(folder, `${n}`.padEnd(80, '\u0001')), '');
    const share = pc.shares.add(folder, {});
    const page = await pc.shares.browse(share, wire(''), null, BROWSE_PAGE_MAX_COUNT, t.signal);
    assert.ok(page.entries.length < BROWSE_PAGE_MAX_COUNT);
    assert.ok(Buffer.byteLength(JSON.stringify({ t: 'ans', id: 0xffff_ffff, b: page })) <= MESSAGE_MAX_BYTES);
    assert.is((await allOf(pc, share, '', BROWSE_PAGE_MAX_COUNT, t)).length, 600);
  });

  it('reads a folder once for many who ask at the same moment', async (t) => {
    const { pc, folder } = makePc(t, ['a'], new FakeClock());
    const share = pc.shares.add(folder, {});
    await pc.shares.browse(share, wire(''), null, 10, t.signal);
    writeFileSync(path.join(folder, 'b'), '');
    assert.is((await pc.shares.browse(share, wire(''), null, 10, t.signal)).total, 1);
  });

  it('tells one entry, and nothing of the share itself', async (t) => {
    const { pc, folder } = makePc(t, ['sub/', 'sub/a']);
    const share = pc.shares.add(folder, {});
    const { entry } = v.parse(SharesStatAnswer, pc.shares.stat(share, wire('sub/a')));
    assert.equal([entry.name, entry.type, entry.size], ['a', 'file', 16]);
    assert.is(pc.shares.stat(share, wire('sub')).entry.type, 'folder');
    symlinkSync('sub', path.join(folder, 'link'));
    for (const missing of ['', 'b', 'sub/b', 'link', 'link/a', 'sub/a/b']) {
      assert.is(await refusal(() => pc.shares.stat(share, wire(missing))), 'PATH_UNKNOWN', missing);
    }
  });
});
