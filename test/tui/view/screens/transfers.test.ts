/** Transfers: what runs explains itself, and is paused, tried again and cancelled. */
import * as assert from 'uvu/assert';
import { download, office, self } from '../../../support/fake-office.js';
import { openScreen } from '../../../support/screen.js';
import { spec } from '../../../support/spec.js';

spec('transfers screen', (it) => {
  it('shows progress, and why what waits waits', async (t) => {
    const ui = await openScreen(t, office().rows);
    await ui.press('3');
    ui.sees(
      'DOWNLOADS  2 active · 1 waiting',
      '▸ site-video.mp4',
      '42 %',
      '38 MB/s',
      '2 min',
      'UPLOADS',
      '✓ sent 1 min ago',
    );
    ui.sees('3.5 GB of 8.4 GB · bruno-pc 2.5 GB, carla-mac 1.0 GB', 'to /home/ana/Downloads/site-video.mp4');
    await ui.press('down', 'down');
    ui.sees('▸ backup.tar', 'elena-pc is offline; goes on by itself when it is back');
  });

  it('moves with the events of the agent', async (t) => {
    const ui = await openScreen(t, { self: [self()], transfers: [download('a.iso', 0.1)] });
    await ui.press('3');
    ui.sees('10 %', 'Transfers 1');
    assert.is(ui.terminal.title, 'Potluck: 1 transfer');
    ui.agent.board.put('transfers', 't-a.iso', download('a.iso', 0.5));
    await ui.settle();
    ui.sees('50 %');
    ui.agent.board.put(
      'transfers',
      't-a.iso',
      download('a.iso', 1, { state: 'done', finishedAt: '2026-05-14T10:00:00Z' }),
    );
    await ui.settle();
    ui.sees('✓ done just now');
    assert.is(ui.terminal.title, 'Potluck');
  });

  it('pauses and lets go on with the same key', async (t) => {
    const ui = await openScreen(t, { self: [self()], transfers: [download('a.iso', 0.1)] });
    await ui.press('3', 's');
    ui.sees('– paused 10 %');
    await ui.press('s');
    assert.equal(
      ui.agent.asked.map((call) => call.method),
      ['transfer.pause', 'transfer.resume'],
    );
    ui.seesNot('paused');
  });

  it('shows … until the agent has answered, and changes nothing before', async (t) => {
    const ui = await openScreen(t, { self: [self()], transfers: [download('a.iso', 0.1)] });
    let answer: (() => void) | null = null;
    ui.agent.answer('transfer.pause', () => new Promise((resolve) => (answer = () => resolve(download('a.iso', 0.1)))));
    await ui.press('3', 's');
    ui.sees(' … a.iso', '10 %', '38 MB/s');
    (answer as (() => void) | null)?.();
    await ui.settle();
    ui.sees(' ▸ a.iso');
  });

  it('cancels a download only after asking, states the loss, and the default keeps it', async (t) => {
    const ui = await openScreen(t, { self: [self()], transfers: [download('site-video.mp4', 0.42)] });
    await ui.press('3', 'x');
    ui.sees('Cancel site-video.mp4?', '3.5 GB are already here and would be deleted.', '▸ Keep it', 'Pause instead');
    await ui.press('enter');
    assert.equal(ui.agent.calls('transfer.cancel'), []);
    await ui.press('x', 'right', 'enter');
    assert.equal(ui.agent.calls('transfer.pause'), [{ id: 't-site-video.mp4' }]);
    await ui.press('x', 'right', 'enter');
    assert.equal(ui.agent.calls('transfer.cancel'), [{ id: 't-site-video.mp4' }]);
    ui.sees('✗ cancelled', '✓ site-video.mp4 is cancelled');
  });

  it('tries a failed download again, and says what failed', async (t) => {
    const failed = download('a.doc', 0.1, { state: 'failed', error: { code: 'GONE', message: 'a.doc changed' } });
    const ui = await openScreen(t, { self: [self()], transfers: [failed] });
    await ui.press('3');
    ui.sees('✗ failed', 'a.doc changed [GONE] · r tries again');
    await ui.press('r');
    assert.equal(ui.agent.calls('transfer.resume'), [{ id: 't-a.doc' }]);
    ui.seesNot('failed');
  });

  it('shows everything about one with enter', async (t) => {
    const row = download('photos', 1, {
      state: 'done',
      files: 12,
      filesDone: 10,
      failedCount: 2,
      failed: [{ path: 'photos/a\u{202E}b.jpg', code: 'UNREADABLE' }],
    });
    const ui = await openScreen(t, { self: [self()], transfers: [row] });
    await ui.press('3');
    ui.sees('2 files could not be had · enter shows which');
    await ui.press('enter');
    ui.sees('10 of 12 files', 'photos/a·b.jpg [UNREADABLE]', 'written to /home/ana/Downloads/photos');
    await ui.press('esc');
    ui.seesNot('written to');
  });

  it('tells a newcomer where to begin', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press('3');
    ui.sees('Nothing is being transferred.', '2 opens Browse');
  });
});
