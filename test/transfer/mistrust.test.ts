/** Downloads from a coworker that lies or vanishes, for a person who changes their mind. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { Described } from '../../agent/shares/content-ids.js';
import type { ContentId } from '../../protocol/ids.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { Coworker, Downloader, put, treeOf } from '../support/transfers.js';

const MIB = 1024 * 1024;

function makeOffice(t: Case): { ana: Coworker; bruno: Downloader } {
  const base = temporaryFolder(t);
  const ana = new Coworker(t, base);
  return { ana, bruno: new Downloader(t, base, ana) };
}

spec('a coworker that lies', (it) => {
  const content = 'ab'.repeat(32) as ContentId;
  const lies: Record<string, Partial<Extract<Described, { ok: true }>>> = {
    'an empty file that has a content': { size: 0, content },
    'a file with bytes that has no content': { size: 1000, content: null },
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`about ${what} spoils that file and no other`, async (t) => {
      const { ana, bruno } = makeOffice(t);
      for (const name of ['a', 'b', 'c']) put(ana.files, `f/${name}`, `file ${name}`);
      const describe = ana.pc.shares.describe.bind(ana.pc.shares);
      ana.pc.shares.describe = async (share, paths, onProgress, signal) => {
        const { items } = await describe(share, paths, onProgress, signal);
        return { items: items.map((item, at) => (item.ok && paths[at] === 'f/b' ? { ...item, ...lie } : item)) };
      };
      const row = await bruno.over(bruno.get('f').id);
      assert.equal(row.failed, [{ path: 'f/b', code: 'BAD_MESSAGE' }]);
      assert.equal(
        treeOf(row.to, false).map((line) => line.split(' ')[1]),
        ['a', 'c'],
      );
    });
  }
});

spec('a coworker that vanishes', (it) => {
  it('leaves what is here counted', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', randomBytes(5 * MIB));
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 20) ana.goOffline();
    };
    const { id } = bruno.get('a');
    const waiting = await bruno.until(id, ({ state }) => state === 'waiting');
    assert.ok(waiting.bytes > 0, 'it does not fall back to nothing');
    assert.ok(waiting.bytes < waiting.size);
  });
});

spec('a download that is paused', (it) => {
  it('goes on when it is resumed before it has stopped', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(5 * MIB);
    put(ana.files, 'a', whole);
    const started = Promise.withResolvers<void>();
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 10) started.resolve();
    };
    const { id } = bruno.get('a');
    await started.promise;
    const pausing = bruno.downloads.pause(id);
    const resumed = await bruno.downloads.resume(id);
    await pausing;
    assert.is.not(resumed.state, 'paused');
    const row = await bruno.over(id);
    assert.equal(readFileSync(path.join(bruno.target, 'a')), whole);
    assert.is(row.bytes, whole.length);
  });
});
