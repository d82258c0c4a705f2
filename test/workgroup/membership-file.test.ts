/** A workgroup on the disk: restored, refused, never half written. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { founder, letIn, meet, namesOf, office, openPc } from '../support/office.js';
import { start } from '../support/process.js';
import { codeOf } from '../support/refusal.js';
import { spec } from '../support/spec.js';

const url = (name: string): string => JSON.stringify(import.meta.resolve(`../../agent/${name}.js`));

spec('the file of a workgroup', (it) => {
  const DAMAGE: Record<string, (file: string) => void> = {
    gone: (file) => rmSync(file),
    empty: (file) => truncateSync(file),
    'cut short': (file) => truncateSync(file, 100),
    'far too large': (file) => truncateSync(file, 1 << 24),
  };
  for (const [what, damage] of Object.entries(DAMAGE)) {
    it(`is restored from its copy when it is ${what}`, async (t) => {
      const ana = await founder(t);
      damage(ana.file);
      const again = await ana.reopen();
      assert.equal(again.membership.group, ana.membership.group);
      rmSync(`${ana.file}.bak`);
      assert.is((await again.reopen()).membership.name, 'Office');
    });
  }

  it('stops the agent when its copy is damaged, too', async (t) => {
    const ana = await founder(t);
    for (const file of [ana.file, `${ana.file}.bak`]) truncateSync(file, 10);
    assert.is(await codeOf(() => ana.reopen()), 'FAILED');
  });

  it('loses a record that was changed in it, and no other', async (t) => {
    const { ana, bruno } = await office(t);
    await ana.membership.close();
    const text = readFileSync(ana.file, 'utf8');
    const [record = ''] = /"s": "[^"]{20}/.exec(text.slice(text.lastIndexOf('"s"'))) ?? [];
    writeFileSync(ana.file, text.replace(record, `"s": "${'A'.repeat(20)}`));
    const again = await ana.reopen();
    assert.is(again.membership.members().length, 2);
    meet(again, bruno);
    assert.is(again.membership.members().length, 3);
  });

  it('is of no use with another key, and not thrown away', async (t) => {
    const ana = await founder(t);
    const [key, text] = [readFileSync(path.join(ana.folder, 'identity.json')), readFileSync(ana.file, 'utf8')];
    rmSync(path.join(ana.folder, 'identity.json'));
    const other = await ana.reopen();
    assert.is(other.membership.group, null);
    assert.is(other.membership.lapse?.kind, 'rekeyed');
    assert.is(readFileSync(ana.file, 'utf8'), text);
    writeFileSync(path.join(ana.folder, 'identity.json'), key);
    assert.is((await other.reopen()).membership.name, 'Office');
  });

  it('that cannot be written fails what this user asked, and not what a coworker told', async (t) => {
    const { ana, bruno, carla } = await office(t);
    const dino = await openPc(t, 'dino');
    await letIn(bruno, dino);
    rmSync(ana.folder, { recursive: true });
    meet(ana, bruno);
    assert.is(namesOf(ana), 'ana bruno carla dino');
    assert.is(await codeOf(() => ana.membership.remove(carla.id)), 'FAILED');
    assert.is(ana.membership.status(carla.id), 'removed', 'it holds while the agent runs');
  });

  it(
    'is whole after kill -9 at any moment',
    async (t) => {
      const ana = await founder(t);
      const program = `
      import { generateKeyPairSync } from 'node:crypto';
      import { Events } from ${url('platform/events')};
      import { silentLog } from ${url('platform/log')};
      import { systemClock } from ${url('platform/clock')};
      import { openIdentity } from ${url('workgroup/identity')};
      import { openMembership } from ${url('workgroup/membership')};
      const folder = ${JSON.stringify(ana.folder)};
      const identity = await openIdentity(folder);
      const events = new Events(() => undefined);
      const membership = await openMembership({ folder, identity, events, log: silentLog, clock: systemClock });
      console.log('open');
      for (;;) {
        const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
        await membership.addMember(publicKey.export({ format: 'der', type: 'spki' }), 'x');
        console.log('added');
      }`;
      let added = 1;
      for (let round = 0; round < 6; round++) {
        const child = await start(t, process.execPath, ['--input-type=module', '-e', program]);
        await child.line(/open/);
        await sleep(Math.random() * 30);
        child.signal('SIGKILL');
        const { stdout } = await child.ended;
        added += stdout.split('added').length - 1;
        const { membership } = await openPc(t, 'ana', ana.folder);
        assert.is(membership.name, 'Office');
        const found = membership.members().length;
        assert.ok(found >= added, `what was answered is there: ${found} of ${added}`);
        added = found;
      }
    },
    { limitMs: 60_000 },
  );
});
