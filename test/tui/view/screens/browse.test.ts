/** Browse: places are opened, entries marked and downloaded, folders of this PC shared. */
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../../protocol/errors.js';
import { BROWSE_PAGE_MAX_COUNT } from '../../../../protocol/limits.js';
import { shortId } from '../../../../protocol/text.js';
import { FakeClient } from '../../../support/fake-client.js';
import { file, folder, office, peer, self, SELF_ID, share, type Folders } from '../../../support/fake-office.js';
import { openScreen, type Screen } from '../../../support/screen.js';
import { spec, type Case } from '../../../support/spec.js';

const HARBOUR = ['2', 'down', 'enter', 'enter', 'down', 'enter', 'enter'];

async function openOffice(t: Case, ...keys: readonly string[]): Promise<Screen> {
  const { rows, folders } = office();
  const ui = await openScreen(t, rows, { folders });
  await ui.press(...keys);
  return ui;
}

/** One coworker with one share that holds these entries. */
async function openShare(t: Case, entries: Folders extends ReadonlyMap<string, infer E> ? E : never): Promise<Screen> {
  const folders = new Map([['id-b/Docs', entries]]);
  const ui = await openScreen(t, { self: [self()], peers: [peer('b', { id: 'id-b' })] }, { folders });
  await ui.press('enter', 'enter');
  return ui;
}

/** A home with two folders that begin alike. */
async function list(where: string): Promise<{ name: string; isFolder: boolean }[]> {
  const names: Record<string, string[]> = { '/home/ana': ['work', 'world'], '/home/ana/work': ['plans'] };
  return (names[where] ?? []).map((name) => ({ name, isFolder: true }));
}

spec('browse screen', (it) => {
  it('goes from all coworkers into a folder and back, each time to where it came from', async (t) => {
    const ui = await openOffice(t, ...HARBOUR);
    ui.sees('All › bruno-pc › Projects › 2026 › Harbour', '▸ drawings/', 'contract.pdf', '1.2 MB', '1 of 7');
    await ui.press('esc');
    ui.sees('All › bruno-pc › Projects › 2026', '▸ Harbour/');
    await ui.press('left');
    ui.sees('▸ 2026/');
    await ui.press('backspace');
    ui.sees('▸ Projects/');
    await ui.press('esc');
    ui.sees('WHOSE FOLDERS', '▸ bruno-pc');
    await ui.press('esc');
    ui.sees('▸1 Peers');
  });

  it('stays where it is while a place is opened, says so, and can be stopped', async (t) => {
    const ui = await openOffice(t, ...HARBOUR);
    let asked: AbortSignal | null = null;
    ui.agent.answer('browse.list', (_input, signal) => {
      asked = signal;
      return new Promise(() => undefined);
    });
    await ui.press('enter');
    ui.sees('› Harbour ', ' … drawings/', 'opening…', 'esc stops');
    await ui.press('esc');
    assert.ok((asked as AbortSignal | null)?.aborted, 'the question is withdrawn');
    ui.sees('› Harbour ', '▸ drawings/', 'read just now');
  });

  it('stays where it is when a place cannot be opened', async (t) => {
    const ui = await openOffice(t, ...HARBOUR);
    ui.agent.refuse('browse.list', new PotluckError('PEER_OFFLINE', 'bruno-pc went offline'));
    await ui.press('enter');
    ui.sees('› Harbour ', '✗ bruno-pc went offline', '[PEER_OFFLINE]');
  });

  it('says that what is shown is old when its owner goes offline', async (t) => {
    const ui = await openOffice(t, ...HARBOUR);
    ui.agent.board.put('peers', 'id-bruno-pc', peer('bruno-pc', { state: 'offline' }));
    await ui.settle();
    ui.sees('bruno-pc is offline; seen just now');
    await ui.press('d');
    ui.sees('! bruno-pc is offline');
  });

  it('downloads the entry under the cursor and says where it goes', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'down', 'd');
    assert.equal(ui.agent.calls('transfer.get'), [
      { peer: 'id-bruno-pc', share: 'Projects', path: '2026/Harbour/contract.pdf', onConflict: 'rename' },
    ]);
    ui.sees('✓ contract.pdf → ~/Downloads/contract.pdf · 3 shows how far it is', '0 % ↓', '3 Transfers 4');
  });

  it('shows what is here once it was downloaded', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'down', 'd');
    const row = ui.agent.board.rows('transfers').at(-1);
    assert.ok(row);
    if (row) ui.agent.board.put('transfers', row.id, { ...row, state: 'done' });
    await ui.settle();
    ui.sees('✓ have it');
  });

  it('downloads a whole share', async (t) => {
    const ui = await openOffice(t, '2', 'down', 'enter', 'd');
    assert.equal(ui.agent.calls('transfer.get'), [
      { peer: 'id-bruno-pc', share: 'Projects', path: '', onConflict: 'rename' },
    ]);
    ui.sees('✓ Projects → ~/Downloads/Projects');
  });

  it('downloads what is marked, and forgets the marks', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'down', 'space', 'down', 'down', 'space');
    ui.sees('2 entries marked · 1.3 MB', '●contract.pdf');
    await ui.press('d');
    const paths = ui.agent.calls('transfer.get').map((call) => call.path);
    assert.equal(paths, ['2026/Harbour/contract.pdf', '2026/Harbour/invoice\u{202E}gpj.exe']);
    ui.sees('✓ 2 downloads → ~/Downloads');
    ui.seesNot('marked');
  });

  it('marks all that the filter shows, unmarks with the same key and with esc', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, '/', 'pdf', 'enter', 'a');
    ui.sees('2 entries marked');
    await ui.press('a');
    ui.seesNot('marked');
    await ui.press('a', 'esc');
    ui.seesNot('“pdf”');
    ui.sees('2 entries marked');
    await ui.press('esc');
    ui.seesNot('marked');
    ui.sees('› Harbour ');
  });

  it('reads a long folder page by page as the cursor comes near its end', async (t) => {
    const ui = await openShare(
      t,
      Array.from({ length: 700 }, (_, n) => file(`sheet-${n}.pdf`, n)),
    );
    assert.equal(
      ui.agent.calls('browse.list').map((call) => call.cursor),
      [null],
    );
    ui.sees('1 of 700');
    for (let page = 0; page < 12; page++) await ui.press('pgdn');
    assert.equal(
      ui.agent.calls('browse.list').map((call) => call.cursor),
      [null, String(BROWSE_PAGE_MAX_COUNT)],
    );
    ui.sees('sheet-264.pdf');
  });

  it('reads a long folder to its end for G, and no page twice', async (t) => {
    const ui = await openShare(
      t,
      Array.from({ length: 700 }, (_, n) => file(`sheet-${n}.pdf`, n)),
    );
    await ui.press('G');
    ui.sees('▸ sheet-699.pdf', '700 of 700');
    assert.equal(
      ui.agent.calls('browse.list').map((call) => call.cursor),
      [null, '256', '512'],
    );
    await ui.press('g');
    ui.sees('▸ sheet-0.pdf');
  });

  it('reads on while a filter shows too little', async (t) => {
    const ui = await openShare(
      t,
      Array.from({ length: 700 }, (_, n) => file(`sheet-${n}.pdf`, n)),
    );
    await ui.press('/', 'sheet-69');
    ui.sees('sheet-690.pdf', 'sheet-699.pdf', '11 of 700');
  });

  it('says when a folder was not read to its end', async (t) => {
    const entries = Array.from({ length: 700 }, (_, n) => file(`sheet-${n}.pdf`, n));
    const ui = await openShare(t, entries);
    ui.agent.refuse('browse.list', new PotluckError('GONE', 'the folder changed while it was read'));
    await ui.press('G');
    ui.sees('not read to its end; r reads again', '✗ the folder changed while it was read');
    ui.agent.answer('browse.list', async () => ({ entry: null, entries: entries.slice(0, 2), next: null, total: 2 }));
    await ui.press('r');
    ui.sees('read just now', 'of 2');
  });

  it('shows names as they are safe, and asks by what they really are', async (t) => {
    const ui = await openShare(t, [folder('evil\u{1B}[2J\u{202E}name'), file('a\nb', 1)]);
    ui.sees('evil·[2J·name/', 'a·b');
    await ui.press('down', 'd');
    assert.is(ui.agent.calls('transfer.get')[0]?.path, 'a\nb');
  });

  it('tells when there is nothing', async (t) => {
    const ui = await openShare(t, []);
    ui.sees('This folder is empty.');
    const none = await openScreen(t, { self: [self()], peers: [peer('b')] });
    await none.press('enter');
    none.sees('b shares nothing with you yet.');
  });

  it('shows the path as the command line takes it', async (t) => {
    const ui = await openShare(t, [file("it's here.pdf", 1)]);
    await ui.press('y');
    ui.sees("b/Docs/it's here.pdf", "potluck get 'b/Docs/it'\\''s here.pdf'");
    const hidden = await openShare(t, [file('a\u{202E}b', 1)]);
    await hidden.press('y');
    hidden.sees(`potluck get b/Docs/${shortId('a\u{202E}b')}`);
  });

  it('shares a folder of this PC with n, completing its path with tab', async (t) => {
    const ui = await openScreen(t, { self: [self()] }, { files: { list } });
    await ui.press('2', 'n');
    ui.sees('Share a folder of this PC', 'All › This PC');
    await ui.press('wo', 'tab');
    ui.sees('~/wor', 'work/', 'world/');
    await ui.press('k', 'tab', 'pl', 'tab', 'enter');
    assert.equal(ui.agent.calls('share.add'), [{ folder: '/home/ana/work/plans' }]);
    ui.sees('✓ plans is shared with every coworker', 'plans/');
  });

  it('stops sharing only after asking', async (t) => {
    const ui = await openScreen(t, { self: [self()], shares: [share('Projects')] });
    await ui.press('2', 'enter', 'x');
    ui.sees('Stop sharing Projects?', 'The folder itself stays as it is: ~/Projects', '▸ Keep sharing');
    await ui.press('esc');
    assert.equal(ui.agent.calls('share.remove'), []);
    await ui.press('x', 'right', 'enter');
    ui.sees('✓ Projects is no longer shared', 'This PC shares nothing yet.');
  });

  it('looks into the own shares and prints from there, but downloads nothing', async (t) => {
    const { rows, folders } = office();
    const ui = await openScreen(t, rows, { folders });
    await ui.press('2', 'enter', 'down', 'down', 'enter');
    ui.sees('All › This PC › Projects', 'offer.pdf', 'on this PC');
    assert.is(ui.agent.calls('browse.list')[0]?.peer, SELF_ID);
    await ui.press('d');
    ui.sees('This is a folder of this PC: it is here already');
    await ui.press('p');
    ui.sees('~/work/Projects/offer.pdf');
  });

  it('fetches a coworker’s file before it prints it', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'down', 'p');
    ui.sees('contract.pdf (fetched first)', 'HP 2nd floor at bruno-pc');
    await ui.press('enter');
    ui.sees('contract.pdf is fetched, then printed on HP 2nd floor; leave this window open');
    assert.equal(ui.agent.calls('job.print'), []);
    const row = ui.agent.board.rows('transfers').at(-1);
    if (row) ui.agent.board.put('transfers', row.id, { ...row, state: 'done' });
    await ui.settle();
    assert.equal(ui.agent.calls('job.print'), [
      { file: '/home/ana/Downloads/contract.pdf', printer: 'id-bruno-pc/HP 2nd floor', copies: 1 },
    ]);
    ui.sees('✓ contract.pdf goes to HP 2nd floor');
  });

  it('says that nothing was printed when the file could not be fetched', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'down', 'p', 'enter');
    const row = ui.agent.board.rows('transfers').at(-1);
    if (row) ui.agent.board.put('transfers', row.id, { ...row, state: 'failed' });
    await ui.settle();
    ui.sees('✗ contract.pdf was not printed: its download failed');
    assert.equal(ui.agent.calls('job.print'), []);
  });

  it('refuses to print what no printer takes', async (t) => {
    const ui = await openOffice(t, ...HARBOUR, 'p');
    ui.sees('A folder cannot be printed');
    await ui.press('down', 'down', 'down', 'p');
    ui.sees('Only PDF, JPEG, PNG and text files can be printed');
  });

  it('keeps up with a folder of two hundred thousand entries', async (t) => {
    const entries = Array.from({ length: 200_000 }, (_, n) => file(`file-${n}`, n));
    const agent = new FakeClient({ self: [self()], peers: [peer('b', { id: 'id-b' })] });
    agent.answer('browse.shares', async () => ({ shares: [{ name: 'Docs', writable: false }] }));
    agent.answer('browse.list', async () => ({ entry: null, entries, next: null, total: entries.length }));
    const ui = await openScreen(t, {}, { agent });
    await ui.press('enter', 'enter', 'G', 'up', 'pgup');
    ui.sees('199,977 of 200,000');
  });
});
