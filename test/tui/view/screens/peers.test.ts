/** Peers: coworkers come and go, are looked at, invited, reached and removed. */
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../../protocol/errors.js';
import { INVITE_DEFAULT_MS } from '../../../../protocol/limits.js';
import { ago, office, peer, self } from '../../../support/fake-office.js';
import { openScreen } from '../../../support/screen.js';
import { spec } from '../../../support/spec.js';

spec('peers screen', (it) => {
  it('shows who comes, goes and changes, and keeps the cursor on its coworker', async (t) => {
    const ui = await openScreen(t, { self: [self()], peers: [peer('bruno'), peer('diego')] });
    await ui.press('down');
    ui.sees('▸ diego', '2 of 2', '2 online');
    ui.agent.board.put('peers', 'id-carla', peer('carla'));
    ui.agent.board.put('peers', 'id-bruno', peer('bruno', { state: 'offline', lastSeen: ago(120) }));
    await ui.settle();
    ui.sees('▸ diego', '3 of 3', '2 online', '○ 2 h ago');
    ui.agent.board.delete('peers', 'id-diego');
    await ui.settle();
    ui.sees('▸ carla', '2 of 2');
  });

  it('tells a newcomer what to do', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    ui.sees('Nobody else is here yet.', 'i shows a code that lets a coworker in.', 'i invite');
    await ui.press('i');
    ui.sees('7 K 2 M Q', 'potluck workgroup join 7K2MQ-X4T9B-0RWZC-HN5DV', 'Valid for 1 h, for one PC.', '▀');
    assert.equal(ui.agent.calls('workgroup.invite'), [{ lifeMs: INVITE_DEFAULT_MS }]);
  });

  it('says when an invitation was used, and makes another', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press('i');
    ui.agent.board.put('self', 'self', self({ inviteUntil: null }));
    await ui.settle();
    ui.sees('This code was used or has ended; i makes another.');
    await ui.press('i');
    ui.sees('Valid for 1 h');
    await ui.press('esc');
    ui.seesNot('Invite a coworker');
  });

  it('opens what a coworker shares', async (t) => {
    const { rows, folders } = office();
    const ui = await openScreen(t, rows, { folders });
    await ui.press('enter');
    ui.sees('All › bruno-pc', 'Projects/', 'Templates/', '▸2 Browse');
  });

  it('says why a coworker cannot be looked at', async (t) => {
    const ui = await openScreen(t, { self: [self()], peers: [peer('elena', { state: 'offline' })] });
    await ui.press('enter');
    ui.sees('! elena is offline');
    assert.equal(ui.agent.calls('browse.shares'), []);
  });

  it('removes a member only after asking, and the default is no', async (t) => {
    const ui = await openScreen(t, { self: [self()], peers: [peer('bruno')] });
    await ui.press('x');
    ui.sees('Remove bruno from the workgroup?', 'It loses every share and every printer at once', '▸ Keep it');
    await ui.press('enter');
    assert.equal(ui.agent.calls('workgroup.remove'), []);
    await ui.press('x', 'right', 'enter');
    assert.equal(ui.agent.calls('workgroup.remove'), [{ peer: 'id-bruno' }]);
    ui.sees('✓ bruno is no longer in the workgroup', 'Nobody else is here yet.');
  });

  it('lets those stay whom a removed member let in: long ago by default, others when ticked', async (t) => {
    const ui = await openScreen(t, { self: [self()], peers: [peer('lost')] });
    const member = { self: false, state: 'online', addedBy: 'lost' } as const;
    ui.agent.answer('workgroup.members', async () => ({
      members: [
        { ...member, id: 'old', name: 'old friend', addedAt: ago(60 * 24 * 30) },
        { ...member, id: 'new', name: 'puppet', addedAt: ago(5) },
        { ...member, id: 'other', name: 'other', addedBy: 'somebody else', addedAt: ago(5) },
      ],
    }));
    await ui.press('x');
    ui.sees('[x] old friend stays', '[ ] puppet stays', '▸ Keep it');
    ui.seesNot('other stays');
    await ui.press('right', 'enter');
    assert.equal(ui.agent.calls('workgroup.remove'), [{ peer: 'id-lost', keep: ['old'] }]);
  });

  it('connects by address from the palette, and says under the field what went wrong', async (t) => {
    const away = peer('elena', { state: 'offline', addresses: ['10.0.0.7:17700'] });
    const ui = await openScreen(t, { self: [self()], peers: [away] });
    await ui.press(':', 'connect', 'enter');
    ui.sees('Connect to a coworker by address', 'HOST or HOST:PORT');
    await ui.press('10.0.0.9', 'enter');
    ui.sees('10.0.0.9 does not answer [PEER_UNREACHABLE]');
    await ui.press('ctrl+u', '10.0.0.7:17700', 'enter');
    ui.sees('✓ elena is reached at 10.0.0.7:17700', '● online');
  });

  it('reaches an offline coworker again by its known address', async (t) => {
    const away = peer('elena', { state: 'offline', addresses: ['10.0.0.7:17700'] });
    const ui = await openScreen(t, { self: [self()], peers: [away] });
    await ui.press('r');
    assert.equal(ui.agent.calls('peer.connect'), [{ address: '10.0.0.7:17700' }]);
    ui.sees('● online');
  });

  it('shows what failed until a key, and keeps it in Activity', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    ui.agent.refuse(
      'workgroup.invite',
      new PotluckError('BUSY', 'five invitations are open', { hint: 'wait an hour' }),
    );
    await ui.press('i');
    ui.sees('✗ five invitations are open – try: wait an hour', '[BUSY]');
    await ui.press('down');
    ui.seesNot('five invitations');
    await ui.press('5');
    ui.sees('five invitations are open', '[BUSY]');
  });

  it('leaves the workgroup only after asking, and is back at the first questions', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press(':', 'leave the work', 'enter');
    ui.sees('Leave Rua Nova 12?', '▸ Stay');
    await ui.press('right', 'enter');
    ui.sees('This computer is not in a workgroup yet.');
  });

  it('filters in place and tells how many there are', async (t) => {
    const ui = await openScreen(t, office().rows);
    await ui.press('/', 'pc');
    ui.sees('bruno-pc', 'elena-pc', '2 of 6', 'enter keep');
    ui.seesNot('carla-mac');
    await ui.press('enter', 'down');
    ui.sees('▸ elena-pc', '“pc” 2 of 6');
    await ui.press('esc');
    ui.sees('carla-mac', '▸ elena-pc');
  });
});
