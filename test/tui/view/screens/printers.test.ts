/** Printers and jobs: shared, printed on, cancelled. */
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../../protocol/errors.js';
import { job, office, printer, self, SELF_ID } from '../../../support/fake-office.js';
import { openScreen } from '../../../support/screen.js';
import { spec } from '../../../support/spec.js';

const TRAY = printer('Tray', {
  local: true,
  shared: false,
  peer: SELF_ID,
  peerName: 'ana-laptop',
  uri: 'tray:/home/ana/In',
});

spec('printers screen', (it) => {
  it('shows printers, my jobs and the jobs on mine, each with what it waits for', async (t) => {
    const ui = await openScreen(t, office().rows);
    await ui.press('4');
    ui.sees('PRINTERS', '▸ Brother', '! out of paper', 'A4, colour, both sides', 'this PC, not shared');
    ui.sees('MY JOBS', '! blocked: out of paper', '✓ printed', 'JOBS ON MY PRINTERS', 'from carla-mac');
    ui.sees('out of paper; a job that is sent now waits and goes on by itself');
    await ui.press('tab');
    ui.sees('▸ contract.pdf');
    await ui.press('tab', 'tab');
    ui.sees('▸ Brother');
  });

  it('shares a printer of this PC, and stops with the same key', async (t) => {
    const ui = await openScreen(t, { self: [self()], printers: [TRAY] });
    await ui.press('4', 'o');
    ui.sees('this PC, shared', '✓ Tray is shared: every coworker can print on it');
    await ui.press('o');
    ui.sees('this PC, not shared');
    assert.equal(ui.agent.asked, [
      { method: 'printer.share', input: { name: 'Tray' } },
      { method: 'printer.unshare', input: { name: 'Tray' } },
    ]);
  });

  it('prints a file of this PC with what the form says', async (t) => {
    const hp = printer('HP', { color: true, duplex: true, copiesMax: 3 });
    const ui = await openScreen(t, { self: [self()], printers: [hp] });
    await ui.press(
      '4',
      'p',
      '~/plan.pdf',
      'down',
      'down',
      'right',
      'right',
      'right',
      'right',
      'left',
      'down',
      'right',
      'right',
    );
    ui.sees('HP at bruno-pc', '← both sides →');
    await ui.press('down', 'left', 'enter');
    assert.equal(ui.agent.calls('job.print'), [
      { file: '/home/ana/plan.pdf', printer: 'id-bruno-pc/HP', copies: 2, duplex: 'long', color: false },
    ]);
    ui.sees('✓ plan.pdf goes to HP · 4 shows what becomes of it', 'MY JOBS', '○ queued');
    ui.seesNot('┌─ Print');
  });

  it('offers only what the printer can', async (t) => {
    const ui = await openScreen(t, { self: [self()], printers: [printer('Simple', { copiesMax: 1 })] });
    await ui.press('4', 'p', '~/plan.pdf', 'down', 'down', 'right', 'down', 'right', 'down', 'right', 'enter');
    assert.equal(ui.agent.calls('job.print'), [
      { file: '/home/ana/plan.pdf', printer: 'id-bruno-pc/Simple', copies: 1 },
    ]);
  });

  it('says in the form what is missing or went wrong, and keeps what was typed', async (t) => {
    const kinds: Record<string, 'file' | 'folder'> = { '/home/ana/a.pdf': 'file', '/home/ana/work': 'folder' };
    const files = { kindOf: async (where: string) => kinds[where] ?? ('none' as const) };
    const ui = await openScreen(t, { self: [self()], printers: [printer('HP')] }, { files });
    await ui.press('4', 'p', 'enter');
    ui.sees('Type the path of a file; tab completes it');
    await ui.press('nowhere.pdf', 'enter');
    ui.sees('There is no such file');
    await ui.press('ctrl+u', 'work', 'enter');
    ui.sees('This is a folder; go on to a file in it');
    ui.agent.refuse('job.print', new PotluckError('FORMAT_UNSUPPORTED', 'HP takes no such documents'));
    await ui.press('ctrl+u', 'a.pdf', 'enter');
    ui.sees('✗ HP takes no such documents', '[FORMAT_UNSUPPORTED]', 'a.pdf', '┌─ Print');
  });

  it('cancels a job only after asking', async (t) => {
    const ui = await openScreen(t, { self: [self()], jobs: [job('contract.pdf', { state: 'printing' })] });
    await ui.press('4', 'x');
    ui.sees('Cancel contract.pdf?', 'It is being printed: what is on paper already stays there.');
    await ui.press('enter');
    assert.equal(ui.agent.calls('job.cancel'), []);
    await ui.press('x', 'right', 'enter');
    assert.equal(ui.agent.calls('job.cancel'), [{ id: 'job-contract.pdf' }]);
    ui.sees('✗ cancelled');
  });

  it('makes a tray and adds a network printer from the palette', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    ui.agent.answer('printer.share', async () => ({ ...TRAY, shared: true }));
    ui.agent.answer('printer.add', async ({ uri }) => printer('Kyocera', { local: true, uri }));
    await ui.press(':', 'tray', 'enter');
    ui.sees('✓ Tray is shared: what coworkers print lands in ~/In', '▸4 Printers');
    await ui.press(':', 'network', 'enter');
    ui.sees('Add a network printer', 'ipp://');
    await ui.press('10.0.0.5/ipp/print', 'enter');
    assert.equal(ui.agent.calls('printer.add'), [{ uri: 'ipp://10.0.0.5/ipp/print' }]);
    ui.sees('✓ Kyocera is added; o shares it');
  });

  it('shows everything about a printer with enter', async (t) => {
    const ui = await openScreen(t, {
      self: [self()],
      printers: [printer('HP', { info: 'Laser', location: '2nd floor' })],
    });
    await ui.press('4', 'enter');
    ui.sees('a printer of bruno-pc', 'stands: 2nd floor', 'takes: application/pdf', 'on the command line: bruno-pc/HP');
  });

  it('tells what to do where there is no printer', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press('4');
    ui.sees('No printer is shared in this workgroup yet.', '“network printer”', '“tray”');
  });
});
