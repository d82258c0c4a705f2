/** A coworker's shares: asked for through JSON, and nothing believed that cannot be. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { type DescribedFile, RemoteShares } from '../../agent/shares/remote-shares.js';
import { PotluckError } from '../../protocol/errors.js';
import { fromHex, peerIdOf, type ShareId } from '../../protocol/ids.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import type { ShareEntry } from '../../protocol/peer/shares.js';
import { shortId } from '../../protocol/text.js';
import { callOf, makePc, refusal, wire } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

const ana = peerIdOf(fromHex('aa'.repeat(32)));
const ignore = (): void => undefined;

function makeRemote(t: Case, names: readonly string[]): { remote: RemoteShares; folder: string; share: ShareId } {
  const { pc, folder } = makePc(t, names);
  const { id } = pc.shares.add(folder, { name: 'Projects' });
  return { remote: new RemoteShares(callOf(pc)), folder, share: id };
}

async function namesOf(pages: AsyncIterable<readonly ShareEntry[]>): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pages) names.push(...page.map(({ name }) => name));
  return names;
}

/** A coworker that answers one method as it likes. */
function answering(method: string, answer: (body: never) => unknown): PeerCall {
  return (async (_peer: unknown, asked: string, body: never) => {
    if (asked !== method) throw new PotluckError('PATH_UNKNOWN', 'not here');
    return answer(body);
  }) as unknown as PeerCall;
}

const entry = (name: string): object => ({ name, type: 'file', size: 1, modified: 0, content: null });

spec('remote shares', (it) => {
  it('lists shares and finds one by name, in any case', async (t) => {
    const { remote, share } = makeRemote(t, []);
    assert.equal(
      (await remote.list(ana, t.signal)).map(({ name }) => name),
      ['Projects'],
    );
    for (const typed of ['Projects', 'projects', 'PROJECTS']) {
      assert.is((await remote.findShare(ana, typed, t.signal)).id, share);
    }
    assert.is(await refusal(() => remote.findShare(ana, 'Project', t.signal)), 'SHARE_UNKNOWN');
  });

  it('resolves what was typed: as it stands, in other Unicode, and by short ids', async (t) => {
    const hidden = 'pa\u001b[2Jy';
    const { remote } = makeRemote(t, [
      'cafe\u0301/',
      'cafe\u0301/menu.txt',
      `${hidden}/`,
      `${hidden}/x.txt`,
      'a b.txt',
    ]);
    const resolved: Record<string, string> = {
      'a b.txt': 'a b.txt',
      '/a b.txt/': 'a b.txt',
      'café/menu.txt': 'cafe\u0301/menu.txt',
      [`${shortId(hidden)}/x.txt`]: `${hidden}/x.txt`,
      [`${hidden}/x.txt`]: `${hidden}/x.txt`,
    };
    for (const [typed, expected] of Object.entries(resolved)) {
      const place = await remote.resolve(ana, 'Projects', typed, t.signal);
      assert.is(place.path, expected, JSON.stringify(typed));
      assert.is(place.entry?.type, 'file');
    }
    assert.is((await remote.resolve(ana, 'Projects', '', t.signal)).entry, null);
    for (const typed of ['missing', '../etc', 'café/missing', '@abcd', 'a b.txt/x']) {
      assert.is(await refusal(() => remote.resolve(ana, 'Projects', typed, t.signal)), 'PATH_UNKNOWN', typed);
    }
  });

  it('reads a whole folder, page by page', async (t) => {
    const { remote, folder, share } = makeRemote(t, []);
    for (let n = 0; n < 700; n++) writeFileSync(path.join(folder, `f${n}`), '');
    const names = await namesOf(remote.pages(ana, share, wire(''), t.signal));
    assert.equal(
      names,
      Array.from({ length: 700 }, (_, n) => `f${n}`),
    );
  });

  it('begins a folder anew when its place in it is lost, and tells each name once', async (t) => {
    const { pc, folder } = makePc(t);
    for (let n = 0; n < 600; n++) writeFileSync(path.join(folder, `f${n}`), '');
    const { id } = pc.shares.add(folder, {});
    const call = callOf(pc);
    let pages = 0;
    const remote = new RemoteShares(async (peer, method, body, signal, onProgress) => {
      pages += 1;
      if (pages === 2) throw new PotluckError('GONE', 'the folder has changed');
      return call(peer, method, body, signal, onProgress);
    });
    const names = await namesOf(remote.pages(ana, id, wire(''), t.signal));
    assert.is(names.length, 600);
    assert.is(new Set(names).size, 600);
  });

  it('gives up on a folder that is always lost, and on one that never ends', async (t) => {
    const share = '0'.repeat(32) as ShareId;
    let pages = 0;
    const losing = new RemoteShares(
      answering('shares.browse', ({ cursor }: { cursor: string | null }) => {
        if (cursor !== null) throw new PotluckError('GONE', 'the folder has changed');
        return { entries: [entry(`f${(pages += 1)}`)], next: 'x', total: 9 };
      }),
    );
    assert.is(await refusal(() => namesOf(losing.pages(ana, share, wire(''), t.signal))), 'GONE');
    let n = 0;
    const endless = new RemoteShares(
      answering('shares.browse', () => ({
        entries: Array.from({ length: 256 }, () => entry(`f${(n += 1)}`)),
        next: 'x',
        total: 1,
      })),
    );
    assert.is(await refusal(() => namesOf(endless.pages(ana, share, wire(''), t.signal))), 'BAD_MESSAGE');
    const silent = new RemoteShares(answering('shares.browse', () => ({ entries: [], next: 'x', total: 1 })));
    assert.is(await refusal(() => namesOf(silent.pages(ana, share, wire(''), t.signal))), 'BAD_MESSAGE');
  });

  it('leaves out names that cannot be part of a path', async (t) => {
    const names = ['good', '..', '.', '', 'a/b', 'a\0', '\ud800'];
    const lying = new RemoteShares(
      answering('shares.browse', () => ({ entries: names.map(entry), next: null, total: 7 })),
    );
    assert.equal(await namesOf(lying.pages(ana, '0'.repeat(32) as ShareId, wire(''), t.signal)), ['good']);
  });

  it('describes many files, in messages that fit', async (t) => {
    const { remote, folder, share } = makeRemote(t, []);
    const deep = 'd'.repeat(200);
    mkdirSync(path.join(folder, deep, deep, deep, deep, deep), { recursive: true });
    const paths = Array.from({ length: 150 }, (_, n) => `${deep}/${deep}/${deep}/${deep}/${deep}/f${n}`);
    for (const file of paths) writeFileSync(path.join(folder, file), file);
    rmSync(path.join(folder, paths[70] ?? ''));
    const items = await remote.describe(ana, share, paths.map(wire), ignore, t.signal);
    assert.is(items.length, 150);
    const failed = items.flatMap((item: DescribedFile, at) => (item.ok ? [] : [`${at} ${item.code}`]));
    assert.equal(failed, ['70 PATH_UNKNOWN']);
  });

  it('does not take a description of other files', async (t) => {
    const lying = new RemoteShares(answering('content.describe', () => ({ items: [] })));
    const described = (): Promise<unknown> =>
      lying.describe(ana, '0'.repeat(32) as ShareId, [wire('a')], ignore, t.signal);
    assert.is(await refusal(described), 'BAD_MESSAGE');
  });
});
