/** What this PC shares: set up by its owner and kept over a restart. */
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { fromHex, peerIdOf, peerIdText } from '../../protocol/ids.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/process.js';
import { makePc, openSharingPc, refusal, wire } from '../support/shares.js';
import { spec } from '../support/spec.js';

const ana = peerIdOf(fromHex('aa'.repeat(32)));
const bruno = peerIdOf(fromHex('bb'.repeat(32)));

spec('setting up shares', (it) => {
  it('shares a folder under its own name, tells the board and the coworkers, and keeps it', async (t) => {
    const { pc, folder, base } = makePc(t);
    const share = pc.shares.add(folder, { only: [ana, ana], except: [bruno] });
    assert.is(share.name, 'files');
    assert.equal(pc.board.rows('shares'), [
      {
        id: share.id,
        name: 'files',
        folder,
        writable: false,
        only: [peerIdText(ana)],
        except: [peerIdText(bruno)],
        state: 'ok',
      },
    ]);
    assert.is(pc.told.changes, 1);
    await pc.close();
    assert.equal(openSharingPc(t, path.join(base, 'home')).shares.list(), [share]);
  });

  it('renames, opens up and removes, over a restart too', async (t) => {
    const { pc, folder, base } = makePc(t);
    const share = pc.shares.add(folder, { name: 'Plans', only: [ana] });
    assert.equal(pc.shares.set('plans', { name: 'Drawings', only: [], except: [bruno] }), {
      ...share,
      name: 'Drawings',
      only: [],
      except: [bruno],
    });
    assert.is(await refusal(() => pc.shares.byName('Plans')), 'SHARE_UNKNOWN');
    // The same name in another case is no other share's name.
    assert.is(pc.shares.set('Drawings', { name: 'DRAWINGS' }).name, 'DRAWINGS');
    assert.is(pc.shares.remove('drawings').id, share.id);
    assert.is(pc.shares.get(share.id), null);
    assert.equal(pc.board.rows('shares'), []);
    await pc.close();
    assert.equal(openSharingPc(t, path.join(base, 'home')).shares.list(), []);
  });

  it('refuses names that cannot be typed or are taken', async (t) => {
    const { pc, folder } = makePc(t);
    pc.shares.add(folder, { name: 'Straße' });
    for (const name of ['', ' ', '.', '..', 'a/b', 'a\u001b[2J', 'a\u202eb', 'x'.repeat(65)]) {
      assert.is(await refusal(() => pc.shares.add(folder, { name })), 'NAME_INVALID', JSON.stringify(name));
    }
    assert.is(await refusal(() => pc.shares.add(folder, { name: 'STRASSE' })), 'ALREADY_EXISTS');
    pc.shares.add(folder, { name: 'other' });
    assert.is(await refusal(() => pc.shares.set('other', { name: 'straße' })), 'ALREADY_EXISTS');
    assert.is(await refusal(() => pc.shares.set('nobody', {})), 'SHARE_UNKNOWN');
  });

  it('refuses what is no folder, and the agent’s own folder, what holds it and what is in it', async (t) => {
    const { pc, folder, base } = makePc(t, ['file']);
    assert.is(await refusal(() => pc.shares.add(path.join(base, 'missing'), {})), 'PATH_UNKNOWN');
    assert.is(await refusal(() => pc.shares.add(path.join(folder, 'file'), {})), 'PATH_UNKNOWN');
    mkdirSync(path.join(base, 'home/spool'));
    symlinkSync(path.join(base, 'home'), path.join(base, 'alias'));
    for (const place of [base, path.join(base, 'home'), path.join(base, 'home/spool'), path.join(base, 'alias'), '/']) {
      assert.is(await refusal(() => pc.shares.add(place, { name: 'x' })), 'NOT_ALLOWED', place);
    }
    mkdirSync(path.join(base, 'home..'));
    pc.shares.add(path.join(base, 'home..'), { name: 'beside' });
  });

  it('bounds how many there are', async (t) => {
    const { pc, folder } = makePc(t);
    for (let n = 0; n < 256; n++) pc.shares.add(folder, { name: `share ${n}` });
    assert.is(await refusal(() => pc.shares.add(folder, { name: 'one more' })), 'QUOTA');
  });

  it('shows that a folder is gone, and that it is back', async (t) => {
    const clock = new FakeClock();
    const { pc, folder } = makePc(t, [], clock);
    const share = pc.shares.add(folder, {});
    const state = (): string | undefined => pc.board.get('shares', share.id)?.state;
    renameSync(folder, `${folder}-away`);
    const shows = (wanted: string): Promise<unknown> =>
      until(`the share is ${wanted}`, () => {
        clock.pass(30_000);
        return state() === wanted;
      });
    await shows('missing');
    assert.is(await refusal(() => pc.shares.browse(share, wire(''), null, 10, t.signal)), 'UNREADABLE');
    renameSync(`${folder}-away`, folder);
    await shows('ok');
  });
});
