/** The UI as a whole: it comes, goes, loses its agent and its window, and gives the terminal back. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FakeClient } from '../../support/fake-client.js';
import { download, office, peer, self } from '../../support/fake-office.js';
import { openScreen } from '../../support/screen.js';
import { spec } from '../../support/spec.js';

spec('ui', (it) => {
  it('borrows the other screen, names the tab, and gives both back', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    assert.ok(ui.terminal.isAlternate);
    assert.not.ok(ui.terminal.isCursorShown);
    assert.is(ui.terminal.title, 'Potluck');
    await ui.press('q');
    assert.is(await ui.ended, '');
    assert.not.ok(ui.terminal.isAlternate);
    assert.ok(ui.terminal.isCursorShown);
    assert.is(ui.terminal.failure, null);
  });

  it('says what goes on in the background when it is left', async (t) => {
    const ui = await openScreen(t, office().rows);
    await ui.press('ctrl+c');
    assert.is(await ui.ended, '3 transfers and 1 print job go on in the background.');
    const one = await openScreen(t, { self: [self()], transfers: [download('a', 0)] });
    await one.press('q');
    assert.is(await one.ended, '1 transfer goes on in the background.');
  });

  it('keeps its picture while the agent is away, and comes back by itself', async (t) => {
    const ui = await openScreen(t, { self: [self()], peers: [peer('bruno')] });
    ui.agent.goAway();
    await ui.settle();
    ui.sees('the agent is away · reconnecting…', 'bruno');
    ui.agent.comeBack();
    ui.agent.board.put('peers', 'id-carla', peer('carla'));
    await ui.waitFor('carla');
    ui.seesNot('reconnecting');
  });

  it('starts an agent where none runs', async (t) => {
    const agent = new FakeClient({ self: [self()] });
    agent.goAway();
    const ui = await openScreen(t, {}, { agent });
    ui.sees('does not answer', 'no agent is running on this PC', 'enter  start it now');
    await ui.press('enter');
    await ui.waitFor('Nobody else is here yet.');
  });

  it('says why an agent cannot be started, and shows the end of its log', async (t) => {
    const agent = new FakeClient({});
    agent.goAway();
    const ui = await openScreen(
      t,
      {},
      {
        agent,
        startAgent: () => Promise.reject(new Error('boom')),
        files: {
          tail: async (file) =>
            file.endsWith('start.log')
              ? ['potluck: it cannot start \u{1B}[2J']
              : ['{"level":"error","at":"10:00","msg":"port taken","port":17700}'],
        },
      },
    );
    await ui.press('enter');
    ui.sees('✗ unexpected failure', '[INTERNAL]');
    await ui.press('l');
    ui.sees('agent.log', '10:00 error port taken port=17700', 'potluck: it cannot start ·[2J');
    await ui.press('esc', 'esc');
    ui.sees('start it now');
  });

  it('says that there is no log where no agent was ever started', async (t) => {
    const agent = new FakeClient({});
    agent.goAway();
    const ui = await openScreen(t, {}, { agent, files: { tail: () => Promise.reject(new Error('no such file')) } });
    await ui.press('l');
    ui.sees('There is no log yet');
  });

  it('shows keys, finds them by what they do, and closes with esc', async (t) => {
    const ui = await openScreen(t, office().rows);
    await ui.press('?', 'printer');
    ui.sees('type to search: printer', 'Share this printer of mine');
    ui.seesNot('Mark this entry');
    await ui.press('esc');
    ui.seesNot('type to search');
  });

  it('runs a command from the palette, and says why one cannot run', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press('ctrl+p', 'go to act', 'enter');
    ui.sees('▸5 Activity', 'Nothing has happened yet.');
    await ui.press(':', 'mark this', 'enter');
    ui.sees('! Go to Browse first');
  });

  it('ends a toast after a while by itself', async (t) => {
    const ui = await openScreen(t, { self: [self()] });
    await ui.press('enter');
    ui.sees('There is no coworker to look at');
    ui.store.dispatch({ type: 'tick', now: ui.store.getSnapshot().ui.now + 6_000 }, 'now');
    await ui.settle();
    ui.seesNot('There is no coworker');
  });

  it('follows the size of the window', async (t) => {
    const ui = await openScreen(t, office().rows);
    for (const [columns, rows] of [
      [58, 20],
      [40, 12],
      [200, 60],
      [30, 8],
      [80, 24],
    ] as const) {
      await ui.resize(columns, rows);
    }
    const fresh = await openScreen(t, office().rows, { columns: 80, rows: 24 });
    assert.equal(ui.terminal.styledLines, fresh.terminal.styledLines);
  });

  it(
    'shows after any keys what a fresh drawing would show: only what changed is written',
    async (t) => {
      const { rows, folders } = office();
      const keys = [
        '1',
        '2',
        '3',
        '4',
        '5',
        'j',
        'k',
        'G',
        'g',
        'tab',
        'enter',
        'esc',
        '/',
        'p',
        '?',
        ':',
        'x',
        'i',
        'd',
        'space',
        'down',
        'n',
      ];
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...keys), { minLength: 5, maxLength: 25 }), async (pressed) => {
          const ui = await openScreen(t, rows, { folders, columns: 80, rows: 24 });
          await ui.press(...pressed);
          const { styledLines } = ui.terminal;
          // Ink draws everything anew when the window becomes narrower.
          await ui.resize(79, 24);
          await ui.resize(80, 24);
          assert.equal(ui.terminal.styledLines, styledLines);
          ui.close();
          await ui.ended;
        }),
        { numRuns: 12 },
      );
    },
    { limitMs: 60_000 },
  );
});
