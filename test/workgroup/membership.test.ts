/** Membership: founding, letting in, meeting, removing, leaving. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { MEMBERS_MAX_COUNT } from '../../protocol/limits.js';
import { founder, letIn, meet, namesOf, office, openPc } from '../support/office.js';
import { codeOf } from '../support/refusal.js';
import { makeSigner } from '../support/signer.js';
import { spec } from '../support/spec.js';

spec('membership', (it) => {
  it('is none at first, and nothing is written', async (t) => {
    const { membership, file } = await openPc(t, 'ana');
    assert.equal(
      [membership.group, membership.id, membership.root, membership.name, membership.lapse],
      Array(5).fill(null),
    );
    assert.equal(membership.members(), []);
    assert.equal(membership.pages(), []);
    assert.is(membership.status(makeSigner().id), 'unknown');
    assert.equal(membership.merge([]), { changed: false, removed: [], bad: 0 });
    assert.throws(() => statSync(file), /ENOENT/);
  });

  it('begins with a founder, and is kept for this user only', async (t) => {
    const ana = await founder(t);
    assert.is(ana.membership.status(ana.id), 'member');
    assert.is(ana.membership.root, ana.id);
    assert.is(ana.changes.length, 1);
    for (const name of [ana.file, `${ana.file}.bak`]) assert.is(statSync(name).mode & 0o777, 0o600);
    const again = await ana.reopen();
    assert.is(again.membership.name, 'Office');
    assert.is(again.membership.digest(), ana.membership.digest());
    assert.equal(again.membership.group, ana.membership.group);
    assert.equal(again.membership.members(), ana.membership.members());
  });

  it('is one at a time, and has a name that can be shown', async (t) => {
    const ana = await founder(t);
    assert.is(await codeOf(() => ana.membership.create('Second', 'ana')), 'ALREADY_MEMBER');
    const bruno = await openPc(t, 'bruno');
    for (const name of ['', ' Office', 'x'.repeat(65), 'a\u001b[2J', 'a\u202Eb']) {
      assert.is(await codeOf(() => bruno.membership.create(name, 'bruno')), 'NAME_INVALID', JSON.stringify(name));
    }
    assert.is(bruno.membership.group, null);
    await bruno.membership.create('Küche 2. OG', 'bruno');
  });

  it('goes from one to the next, and everybody knows the same after meeting', async (t) => {
    const { ana, bruno, carla } = await office(t);
    meet(ana, carla);
    for (const pc of [ana, bruno, carla]) {
      assert.is(namesOf(pc), 'ana bruno carla');
      assert.is(pc.membership.digest(), ana.membership.digest());
      assert.is(pc.membership.id, ana.membership.id);
    }
    const [, , last] = ana.membership.members();
    assert.equal([last?.id, last?.addedBy], [carla.id, bruno.id]);
  });

  it('is not lost by a newcomer that has not met anybody yet', async (t) => {
    const ana = await founder(t);
    const [bruno, carla] = [await openPc(t, 'bruno'), await openPc(t, 'carla')];
    await letIn(ana, bruno);
    await letIn(bruno, carla);
    assert.is(carla.membership.status(carla.id), 'unknown');
    const again = await carla.reopen();
    assert.is(again.membership.status(bruno.id), 'unknown');
    meet(again, bruno);
    assert.is(again.membership.status(bruno.id), 'member');
    assert.is(again.membership.status(carla.id), 'member');
  });

  it('gives the same record to who asks again, and takes nobody whose key was removed', async (t) => {
    const { ana, bruno } = await office(t);
    const first = await ana.membership.addMember(bruno.identity.spki, 'bruno');
    assert.equal(await ana.membership.addMember(bruno.identity.spki, 'another name'), first);
    await ana.membership.remove(bruno.id);
    assert.is(await codeOf(() => ana.membership.addMember(bruno.identity.spki, 'bruno')), 'NOT_ALLOWED');
    assert.is(await codeOf(() => ana.membership.addMember(Buffer.alloc(91), 'x')), 'NOT_ALLOWED');
    assert.is(await codeOf(() => ana.membership.addMember(makeSigner().spki, '')), 'NOT_ALLOWED');
  });

  it(
    'has room for so many',
    async (t) => {
      const ana = await founder(t);
      for (let count = 1; count < MEMBERS_MAX_COUNT; count++) await ana.membership.addMember(makeSigner().spki, 'x');
      assert.is(await codeOf(() => ana.membership.addMember(makeSigner().spki, 'x')), 'QUOTA');
      assert.is(ana.membership.members().length, MEMBERS_MAX_COUNT);
    },
    { limitMs: 30_000 },
  );

  it('refuses an answer that does not let this PC in', async (t) => {
    const ana = await founder(t);
    const [bruno, carla] = [await openPc(t, 'bruno'), await openPc(t, 'carla')];
    const record = await ana.membership.addMember(bruno.identity.spki, 'bruno');
    const { group, root } = ana.membership;
    if (group === null || root === null) throw new Error('in no workgroup');
    const right = { group, root, name: 'Office', record };
    assert.is(await codeOf(() => carla.membership.accept(right)), 'INVITE_REFUSED');
    for (const wrong of [{ group: Buffer.alloc(32) }, { group: group.subarray(1) }, { name: 'x'.repeat(65) }]) {
      assert.is(await codeOf(() => bruno.membership.accept({ ...right, ...wrong })), 'INVITE_REFUSED');
    }
    assert.is(bruno.membership.group, null);
    await bruno.membership.accept(right);
    assert.is(await codeOf(() => bruno.membership.accept(right)), 'ALREADY_MEMBER');
  });

  it('counts what no honest peer sends, and takes nothing of it', async (t) => {
    const { ana, bruno } = await office(t);
    const [page = []] = bruno.membership.pages();
    const before = ana.membership.digest();
    const forged = page.map(({ p }) => ({ p: Buffer.from(`${p}x`).toString('base64'), s: 'A'.repeat(86) + '==' }));
    assert.is(ana.membership.merge(forged).bad, forged.length);
    assert.is(ana.membership.digest(), before);
  });
});

spec('removal', (it) => {
  it('is at once, for good, and on the disk before it is answered', async (t) => {
    const { ana, bruno, carla } = await office(t);
    ana.changes.length = 0;
    assert.equal(await ana.membership.remove(bruno.id), [bruno.id]);
    assert.equal(ana.changes, [[bruno.id]]);
    assert.is(ana.membership.status(bruno.id), 'removed');
    assert.is(ana.membership.status(carla.id), 'member');
    const again = await ana.reopen();
    assert.is(again.membership.status(bruno.id), 'removed');
    meet(again, carla);
    assert.is(namesOf(carla), 'ana carla');
  });

  it('takes along whom nobody kept, and says so before', async (t) => {
    const { ana, bruno, carla } = await office(t);
    assert.equal(ana.membership.fallsWith(bruno.id), [carla.id]);
    assert.equal((await ana.membership.remove(bruno.id, [])).toSorted(), [bruno.id, carla.id].toSorted());
    assert.is(namesOf(ana), 'ana');
  });

  it('never takes along the one who removes', async (t) => {
    const { ana, bruno, carla } = await office(t);
    assert.equal(await carla.membership.remove(bruno.id, []), [bruno.id]);
    assert.equal(await carla.membership.remove(ana.id, []), [ana.id]);
    assert.is(namesOf(carla), 'carla');
  });

  it('is of a member, and not of oneself', async (t) => {
    const ana = await founder(t);
    assert.is(await codeOf(() => ana.membership.remove(makeSigner().id)), 'PEER_UNKNOWN');
    assert.is(await codeOf(() => ana.membership.remove(ana.id)), 'USAGE');
    const bruno = await openPc(t, 'bruno');
    assert.is(await codeOf(() => bruno.membership.remove(ana.id)), 'NO_WORKGROUP');
  });

  it('leaves nothing on the removed PC but the reason, and a new key', async (t) => {
    const { ana, bruno, carla } = await office(t);
    bruno.changes.length = 0;
    await carla.membership.remove(bruno.id);
    const [page = []] = carla.membership.pages();
    const { changed, removed } = bruno.membership.merge(page);
    assert.ok(changed);
    assert.equal(removed.toSorted(), [ana.id, bruno.id, carla.id].toSorted());
    assert.is(bruno.membership.group, null, 'at once');
    assert.is(bruno.changes.length, 1, 'at once');
    assert.equal(bruno.membership.lapse?.by, { id: carla.id, name: 'carla' });
    assert.is(await codeOf(() => bruno.membership.create('New', 'bruno')), 'BUSY');

    const again = await bruno.reopen();
    assert.equal(bruno.changes.at(-1), [], 'told again when the key is retired');
    assert.ok(bruno.identity.isRetired);
    assert.is.not(again.id, bruno.id);
    assert.is(again.membership.lapse?.kind, 'removed');
    assert.is(again.membership.lapse?.workgroup, 'Office');
    assert.not.match(readFileSync(again.file, 'utf8'), ana.membership.group?.toString('base64') ?? '-');
    await letIn(ana, again);
    assert.is(again.membership.lapse, null);
  });

  it('of its inviter reaches a newcomer, too', async (t) => {
    const { ana, bruno, carla } = await office(t);
    const dino = await openPc(t, 'dino');
    await letIn(bruno, dino);
    await ana.membership.remove(bruno.id, [carla.id]);
    meet(ana, dino);
    assert.is(dino.membership.group, null);
    assert.is(dino.membership.lapse?.kind, 'removed');
  });
});

spec('leaving', (it) => {
  it('is told to the others, forgets the workgroup and retires the key', async (t) => {
    const { ana, bruno, carla } = await office(t);
    await bruno.membership.leave(async (pages) => {
      assert.is(bruno.membership.name, 'Office', 'still a member while it tells them');
      for (const page of pages) for (const pc of [ana, carla]) pc.membership.merge(page);
    });
    assert.is(namesOf(ana), 'ana carla');
    assert.is(carla.membership.status(bruno.id), 'removed');
    assert.is(bruno.membership.group, null);
    assert.equal(bruno.membership.members(), []);
    const again = await bruno.reopen();
    assert.is(again.membership.lapse?.kind, 'left');
    assert.is.not(again.id, bruno.id);
    await letIn(ana, again);
    assert.is(namesOf(ana), 'ana bruno carla');
  });

  it('succeeds where nobody can be told', async (t) => {
    const { bruno } = await office(t);
    await bruno.membership.leave(async () => {
      throw new Error('no network');
    });
    assert.is(bruno.membership.group, null);
    assert.is(await codeOf(() => bruno.membership.leave(async () => undefined)), 'NO_WORKGROUP');
  });

  it('is finished at the next start when the agent was killed before the key was retired', async (t) => {
    const { bruno } = await office(t);
    const key = readFileSync(path.join(bruno.folder, 'identity.json'));
    await bruno.membership.leave(async () => undefined);
    writeFileSync(path.join(bruno.folder, 'identity.json'), key);
    const again = await bruno.reopen();
    assert.is(again.id, bruno.id);
    assert.ok(again.identity.isRetired, 'the agent has to be opened anew');
    const then = await again.reopen();
    assert.is.not(then.id, bruno.id);
    assert.not(then.identity.isRetired);
  });
});
