/** Content ids of shared files: hashed when asked for, once for all, and opened only while they hold. */
import { closeSync, readSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import type { LocalShare } from '../../agent/shares/local-shares.js';
import type { ContentId } from '../../protocol/ids.js';
import { ContentDescribeAnswer } from '../../protocol/peer/content.js';
import { must } from '../support/process.js';
import { makePc, refusal, type SharingPc, wire } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

const ignore = (): void => undefined;

async function contentOf(pc: SharingPc, share: LocalShare, name: string, t: Case): Promise<ContentId> {
  const [item] = (await pc.shares.describe(share, [wire(name)], ignore, t.signal)).items;
  if (item?.ok !== true || item.content === null) throw new Error('not described');
  return item.content;
}

spec('describing', (it) => {
  it('hashes what it does not know, answers in order, and remembers', async (t) => {
    const { pc, folder } = makePc(t, ['a', 'b', 'c']);
    const share = pc.shares.add(folder, {});
    writeFileSync(path.join(folder, 'empty'), '');
    symlinkSync('a', path.join(folder, 'link'));
    await must('mkfifo', [path.join(folder, 'pipe')]);
    const seen: [number | null, number | null][] = [];
    const paths = ['b', 'missing', 'a', 'empty', 'link', 'pipe', 'a'].map(wire);
    const answer = await pc.shares.describe(share, paths, (done, total) => seen.push([done, total]), t.signal);
    const { items } = v.parse(ContentDescribeAnswer, answer);
    assert.equal(
      items.map((item) => (item.ok ? item.size : item.code)),
      [12, 'PATH_UNKNOWN', 12, 0, 'PATH_UNKNOWN', 'PATH_UNKNOWN', 12],
    );
    const contents = items.map((item) => (item.ok ? item.content : ''));
    assert.is(contents[3], null);
    assert.is(contents[2], contents[6]);
    assert.is.not(contents[0], contents[2]);
    assert.equal(seen.at(-1), [36, 36]);

    const again = await pc.shares.describe(share, [wire('a')], () => assert.unreachable('hashed again'), t.signal);
    assert.equal(again.items[0]?.ok && again.items[0].content, contents[2]);
    const page = await pc.shares.browse(share, wire(''), null, 10, t.signal);
    assert.is(page.entries.find((entry) => entry.name === 'a')?.content, contents[2]);
  });

  it('hashes again what has changed', async (t) => {
    const { pc, folder } = makePc(t, ['a']);
    const share = pc.shares.add(folder, {});
    const describe = async (): Promise<string | null | undefined> => {
      const [item] = (await pc.shares.describe(share, [wire('a')], ignore, t.signal)).items;
      return item?.ok ? item.content : item?.code;
    };
    const before = await describe();
    writeFileSync(path.join(folder, 'a'), 'CONTENT of a');
    assert.is.not(await describe(), before);
  });

  it('hashes a large file once for all who want it, until the last one leaves', async (t) => {
    const { pc, folder } = makePc(t, ['large', 'small']);
    const share = pc.shares.add(folder, {});
    truncateSync(path.join(folder, 'large'), 300 * 1024 * 1024);
    let hashed = 0;
    const hash = pc.hasher.hash.bind(pc.hasher);
    pc.hasher.hash = (files, onBytes, signal) => {
      hashed += 1;
      return hash(files, onBytes, signal);
    };
    const first = new AbortController();
    const leaving = pc.shares.describe(share, [wire('large')], () => first.abort(new Error('left')), first.signal);
    const staying = [1, 2].map(() => pc.shares.describe(share, [wire('large')], ignore, t.signal));
    await leaving.then(
      () => assert.unreachable(),
      (thrown: Error) => assert.is(thrown.message, 'left'),
    );
    const small = await pc.shares.describe(share, [wire('small')], ignore, t.signal);
    assert.ok(small.items[0]?.ok);
    const items = (await Promise.all(staying)).map((answer) => answer.items[0]);
    assert.ok(items[0]?.ok);
    assert.equal(items[0], items[1]);
    assert.is(hashed, 2);

    truncateSync(path.join(folder, 'large'), 600 * 1024 * 1024);
    const last = new AbortController();
    await pc.shares
      .describe(share, [wire('large')], () => last.abort(new Error('left')), last.signal)
      .then(
        () => assert.unreachable(),
        (thrown: Error) => assert.is(thrown.message, 'left'),
      );
  });
});

spec('opening content', (it) => {
  it('opens a file that has it, in a share that is allowed', async (t) => {
    const { pc, folder } = makePc(t, ['a']);
    const share = pc.shares.add(folder, {});
    const content = await contentOf(pc, share, 'a', t);
    const served = pc.shares.openContent(content, (each) => each.id === share.id);
    if (served === null) throw new Error('not opened');
    t.defer(() => closeSync(served.file.fd));
    const bytes = Buffer.alloc(12);
    readSync(served.file.fd, bytes);
    assert.is(bytes.toString(), 'content of a');
    assert.is(served.manifest.content, content);
    assert.is(
      pc.shares.openContent(content, () => false),
      null,
    );
    assert.is(
      pc.shares.openContent('00'.repeat(32) as ContentId, () => true),
      null,
    );
  });

  it('takes another file of the same bytes when one has changed, and says when none is left', async (t) => {
    const { pc, folder } = makePc(t, ['a', 'b']);
    const share = pc.shares.add(folder, {});
    writeFileSync(path.join(folder, 'b'), 'content of a');
    const content = await contentOf(pc, share, 'a', t);
    assert.is(await contentOf(pc, share, 'b', t), content);
    writeFileSync(path.join(folder, 'b'), 'something else');
    const served = pc.shares.openContent(content, () => true);
    assert.is(served?.path, 'a');
    closeSync(served?.file.fd ?? -1);
    rmSync(path.join(folder, 'a'));
    assert.is(await refusal(() => pc.shares.openContent(content, () => true)), 'GONE');
    assert.is(
      pc.shares.openContent(content, () => true),
      null,
    );
  });

  it('opens nothing of a share that was removed', async (t) => {
    const { pc, folder } = makePc(t, ['a']);
    const content = await contentOf(pc, pc.shares.add(folder, {}), 'a', t);
    pc.shares.remove('files');
    assert.is(
      pc.shares.openContent(content, () => true),
      null,
    );
    // Shared again it is a new share: nothing of what was known of the old one is believed.
    pc.shares.add(folder, {});
    assert.is(
      pc.shares.openContent(content, () => true),
      null,
    );
  });
});
