/** Invitations: one PC each, within their life, across restarts. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { Events } from '../../agent/platform/events.js';
import { silentLog } from '../../agent/platform/log.js';
import { openInvites } from '../../agent/workgroup/invites.js';
import type { WorkgroupId } from '../../protocol/ids.js';
import { inviteKey, parseInviteCode } from '../../protocol/invite.js';
import { INVITE_DEFAULT_MS, INVITE_MAX_MS, INVITES_MAX_COUNT } from '../../protocol/limits.js';
import { joinProof, type JoinEnds, sameMac } from '../../protocol/mac.js';
import { FakeClock } from '../support/fake-clock.js';
import { codeOf } from '../support/refusal.js';
import { idOf } from '../support/rosters.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const HERE = '0123456789abcdef' as WorkgroupId;
const ELSEWHERE = 'fedcba9876543210' as WorkgroupId;
const BRUNO: JoinEnds = { exporter: Buffer.alloc(32, 1), joiner: idOf('bruno'), member: idOf('ana'), name: 'bruno' };
const CARLA: JoinEnds = { ...BRUNO, joiner: idOf('carla'), name: 'carla' };

async function open(t: Case, clock = new FakeClock(), folder = temporaryFolder(t), here = HERE) {
  const events = new Events((thrown) => assert.unreachable(String(thrown)));
  const state = { workgroup: here as WorkgroupId | null, changes: 0 };
  events.on('workgroup.changed', () => (state.changes += 1));
  const workgroup = (): WorkgroupId | null => state.workgroup;
  const invites = await openInvites({ folder, clock, events, log: silentLog, workgroup });
  t.defer(() => invites.close());
  const reopen = async (later = clock, then = here) => {
    await invites.close();
    return open(t, later, folder, then);
  };
  return { invites, clock, events, state, reopen, file: path.join(folder, 'invites.json') };
}

const prove = (code: string, ends: JoinEnds): Buffer => joinProof(inviteKey(parseInviteCode(code)), 'joiner', ends);

spec('an invitation', (it) => {
  it('is announced while it is open, and its code is right', async (t) => {
    const { invites, state } = await open(t);
    assert.not(invites.isOpen());
    const { code, link, endsAt } = invites.open(INVITE_DEFAULT_MS);
    assert.match(code, /^([A-Z0-9]{5}-){3}[A-Z0-9]{5}$/);
    assert.is(link, `potluck:join?c=${code}`);
    assert.ok(invites.isOpen());
    assert.is(invites.endsAt(), endsAt);
    assert.is(state.changes, 1);
  });

  it('lets one PC in, which gets the same answer until it has arrived', async (t) => {
    const { invites, state } = await open(t);
    const { code } = invites.open(INVITE_DEFAULT_MS);
    const first = invites.find(BRUNO, prove(code, BRUNO));
    assert.ok(sameMac(first?.proof ?? Buffer.alloc(0), joinProof(inviteKey(parseInviteCode(code)), 'member', BRUNO)));
    const again = { ...BRUNO, exporter: Buffer.alloc(32, 2) };
    const second = invites.find(again, prove(code, again));
    assert.ok(second);
    assert.is(invites.find(CARLA, prove(code, CARLA)), null, 'another PC with the same code');
    assert.ok(invites.isOpen(), 'announced, so that the PC can ask again');
    second?.acknowledged();
    second?.acknowledged();
    first?.acknowledged();
    assert.not(invites.isOpen());
    assert.is(state.changes, 2);
    assert.is(invites.find(BRUNO, prove(code, BRUNO)), null);
  });

  it('is not opened by a wrong proof, a replayed one or one for another PC', async (t) => {
    const { invites } = await open(t);
    const { code } = invites.open(INVITE_DEFAULT_MS);
    const right = prove(code, BRUNO);
    assert.is(invites.find(CARLA, right), null);
    assert.is(invites.find({ ...BRUNO, name: 'ana' }, right), null);
    assert.is(invites.find({ ...BRUNO, exporter: Buffer.alloc(32, 9) }, right), null);
    assert.is(invites.find({ ...BRUNO, member: idOf('dino') }, right), null);
    assert.is(invites.find(BRUNO, right.subarray(1)), null);
    assert.is(invites.find(BRUNO, Buffer.alloc(32)), null);
    assert.ok(invites.find(BRUNO, right), 'and is still good after all that');
  });

  it('is one of several, each for its own PC', async (t) => {
    const { invites } = await open(t);
    const codes = Array.from({ length: INVITES_MAX_COUNT }, () => invites.open(INVITE_DEFAULT_MS).code);
    assert.is(await codeOf(() => invites.open(INVITE_DEFAULT_MS)), 'BUSY');
    invites.find(BRUNO, prove(codes[3] ?? '', BRUNO))?.acknowledged();
    assert.ok(invites.find(CARLA, prove(codes[0] ?? '', CARLA)));
    assert.type(invites.open(INVITE_DEFAULT_MS).code, 'string');
  });

  it('ends after its life, whatever happens to the clock on the wall', async (t) => {
    const { invites, clock, state } = await open(t);
    const { code } = invites.open(INVITE_DEFAULT_MS);
    clock.setWall(0);
    clock.pass(INVITE_DEFAULT_MS - 1);
    assert.ok(invites.isOpen());
    clock.pass(1);
    assert.not(invites.isOpen());
    assert.is(invites.endsAt(), null);
    assert.is(invites.find(BRUNO, prove(code, BRUNO)), null);
    assert.is(state.changes, 2);
  });

  it('lives no longer than a day', async (t) => {
    const { invites, clock } = await open(t);
    invites.open(Infinity);
    clock.pass(INVITE_MAX_MS);
    assert.not(invites.isOpen());
  });

  it('is void when this PC leaves the workgroup', async (t) => {
    const { invites, events, state, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    state.workgroup = null;
    events.emit('workgroup.changed', { removed: [] });
    assert.not(invites.isOpen());
    assert.is(await codeOf(() => invites.open(INVITE_DEFAULT_MS)), 'NO_WORKGROUP');
    assert.not((await reopen()).invites.isOpen());
  });
});

spec('after a restart an invitation', (it) => {
  it('is still open, still bound, and its code is nowhere on the disk', async (t) => {
    const { invites, file, reopen } = await open(t);
    const [one, other] = [invites.open(INVITE_DEFAULT_MS).code, invites.open(INVITE_DEFAULT_MS).code];
    invites.find(BRUNO, prove(one, BRUNO));
    const again = await reopen();
    assert.is(statSync(file).mode & 0o777, 0o600);
    for (const code of [one, other]) assert.not(readFileSync(file, 'utf8').includes(code.replaceAll('-', '')));
    assert.is(again.invites.find(CARLA, prove(one, CARLA)), null);
    assert.ok(again.invites.find(BRUNO, prove(one, BRUNO)));
    assert.ok(again.invites.find(CARLA, prove(other, CARLA)));
  });

  it('ends when it would have ended', async (t) => {
    const { invites, clock, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    const later = await reopen(new FakeClock(clock.wallMs() + INVITE_DEFAULT_MS - 1000));
    assert.ok(later.invites.isOpen());
    later.clock.pass(1000);
    assert.not(later.invites.isOpen());
    assert.not((await later.reopen()).invites.isOpen());
  });

  it('lives no longer because the clock on the wall was set back', async (t) => {
    const { invites, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    const back = await reopen(new FakeClock(0));
    assert.ok(back.invites.isOpen());
    back.clock.pass(INVITE_DEFAULT_MS);
    assert.not(back.invites.isOpen());
  });

  it('is void in another workgroup', async (t) => {
    const { invites, clock, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    assert.not((await reopen(clock, ELSEWHERE)).invites.isOpen());
  });

  it('is lost with a damaged file, and the agent starts', async (t) => {
    const { invites, file, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    await invites.close();
    writeFileSync(file, '{"v":1,"invites":[{"key":"x"}]}');
    assert.not((await reopen()).invites.isOpen());
  });

  it('is refused when other users could have read it', async (t) => {
    const { invites, file, reopen } = await open(t);
    invites.open(INVITE_DEFAULT_MS);
    await invites.close();
    chmodSync(file, 0o640);
    assert.is(await codeOf(() => reopen()), 'UNSAFE_FILES');
  });
});
