/** First run: three questions, and what goes wrong in them. */
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../../protocol/errors.js';
import { self } from '../../../support/fake-office.js';
import { openScreen, type Screen } from '../../../support/screen.js';
import { spec, type Case } from '../../../support/spec.js';

const HOME = ['Documents', 'Music', 'Public'].map((name) => ({ name, isFolder: true }));

function openNew(t: Case): Promise<Screen> {
  return openScreen(t, { self: [self({ workgroup: null, name: 'new-pc' })] }, { files: { list: async () => HOME } });
}

spec('set-up', (it) => {
  it('joins with a code, takes every default with enter, and shares nothing', async (t) => {
    const ui = await openNew(t);
    ui.sees('This computer is not in a workgroup yet.', '▸ Join coworkers', 'Start a new workgroup', '1 of 3');
    await ui.press('enter', '7k2mq-x4t9b-0rwzc-hn5dv', 'enter');
    assert.equal(ui.agent.calls('workgroup.join'), [{ code: '7k2mq-x4t9b-0rwzc-hn5dv' }]);
    ui.sees('You are in Rua Nova 12.', 'new-pc', '2 of 3');
    await ui.press('enter');
    ui.sees('Which folders may coworkers see?', '▸ [ ] ~/Public', '[ ] ~/Documents', '3 of 3');
    await ui.press('enter');
    ui.sees('✓ new-pc is in Rua Nova 12', '▸1 Peers');
    assert.equal(
      ui.agent.asked.map((call) => call.method),
      ['workgroup.join'],
    );
  });

  it('creates a workgroup, renames the PC and shares what is ticked and typed', async (t) => {
    const ui = await openNew(t);
    await ui.press('down', 'enter');
    ui.sees('Start a new workgroup', 'Office');
    await ui.press('ctrl+u', 'Rua Velha', 'enter', 'ctrl+u', 'ana-desk', 'enter');
    await ui.press('down', 'space', 'down', '/srv/plans', 'enter');
    assert.equal(ui.agent.asked, [
      { method: 'workgroup.create', input: { name: 'Rua Velha' } },
      { method: 'agent.rename', input: { name: 'ana-desk' } },
      { method: 'share.add', input: { folder: '/home/ana/Documents' } },
      { method: 'share.add', input: { folder: '/srv/plans' } },
    ]);
    ui.sees('✓ ana-desk is in Rua Velha');
  });

  it('takes a pasted code, and an address where PCs do not find each other', async (t) => {
    const ui = await openNew(t);
    await ui.press('enter');
    await ui.paste('7K2MQ-X4T9B-0RWZC-HN5DV\n');
    await ui.press('tab', '10.0.0.7', 'enter');
    assert.equal(ui.agent.calls('workgroup.join'), [{ code: '7K2MQ-X4T9B-0RWZC-HN5DV', address: '10.0.0.7' }]);
  });

  it('says under the question what went wrong, and takes another answer', async (t) => {
    const ui = await openNew(t);
    await ui.press('enter', 'enter');
    ui.sees('✗ Type the code that a coworker’s PC shows');
    ui.agent.refuse('workgroup.join', new PotluckError('INVITE_REFUSED', 'no PC here knows this code'));
    await ui.press('abc', 'enter');
    ui.sees('✗ no PC here knows this code [INVITE_REFUSED]', 'abc');
    await ui.press('ctrl+u');
    ui.seesNot('INVITE_REFUSED');
  });

  it('says that it is looking, and esc stops it', async (t) => {
    const ui = await openNew(t);
    let asked: AbortSignal | null = null;
    ui.agent.answer('workgroup.join', (_input, signal) => {
      asked = signal;
      return new Promise(() => undefined);
    });
    await ui.press('enter', 'abc', 'enter');
    ui.sees('◐ Looking for the PC that made this code…', 'esc stops');
    await ui.press('esc');
    assert.ok((asked as AbortSignal | null)?.aborted);
    ui.seesNot('Looking');
    ui.sees('Join coworkers with a code', 'abc');
    await ui.press('esc');
    ui.sees('▸ Join coworkers');
  });

  it('keeps what was shared when a later folder cannot be, and does not share it twice', async (t) => {
    const ui = await openNew(t);
    await ui.press('down', 'enter', 'enter', 'enter', 'space', 'down', 'down', '/nowhere');
    const shareFolder = ui.agent.answerOf('share.add');
    ui.agent.answer('share.add', (input, signal) => {
      if (input.folder === '/nowhere') throw new PotluckError('PATH_UNKNOWN', '/nowhere is not there');
      return shareFolder(input, signal);
    });
    await ui.press('enter');
    ui.sees('✗ /nowhere is not there [PATH_UNKNOWN]', '3 of 3');
    await ui.press('ctrl+u', 'enter');
    assert.equal(
      ui.agent.calls('share.add').map((call) => call.folder),
      ['/home/ana/Public', '/nowhere'],
    );
    ui.sees('▸1 Peers');
  });

  it('is over when the PC got into a workgroup from the command line', async (t) => {
    const ui = await openNew(t);
    await ui.press('enter');
    ui.agent.board.put('self', 'self', self());
    await ui.settle();
    ui.sees('Nobody else is here yet.');
  });

  it('can be left at the first question with q, but not while a name is typed', async (t) => {
    const ui = await openNew(t);
    await ui.press('enter', 'q');
    ui.sees('q');
    await ui.press('esc', 'q');
    assert.is(await ui.ended, '');
  });
});
