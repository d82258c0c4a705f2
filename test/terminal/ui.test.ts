/**
 * The UI on a real terminal: real keys, real signals, real sizes, and every byte that it wrote. The agent
 * behind it is in memory; what it does with real agents is tested end to end.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { needPackages } from '../support/packages.js';
import { spec, type Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { Tmux, TMUX } from '../support/tmux.js';
import { VirtualTerminal } from '../support/virtual-terminal.js';

const PROGRAM = fileURLToPath(new URL('../support/fake-ui.js', import.meta.url));
const OPTIONS = { needs: () => needPackages(TMUX), limitMs: 60_000 };

const ENTER_ALTERNATE = '\u{1B}[?1049h';
const LEAVE_ALTERNATE = '\u{1B}[?1049l';

interface Started {
  readonly tmux: Tmux;
  readonly pid: () => number;
  /** Of the window before the UI named it. */
  readonly title: string;
}

/** Starts the UI from a shell that says `ended STATUS` after it. */
async function start(t: Case, flags: string, env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const tmux = await Tmux.open(t, { columns: 80, rows: 24, env });
  const title = await tmux.title();
  const pidFile = path.join(temporaryFolder(t), 'pid');
  await tmux.type(`'${process.execPath}' '${PROGRAM}' --pid '${pidFile}' ${flags}; echo "ended $?"`);
  await tmux.press('Enter');
  return { tmux, title, pid: () => Number(readFileSync(pidFile, 'utf8')) };
}

/** Resolves with the screen once the UI has ended and given everything back. */
async function ended({ tmux, title }: Started): Promise<string> {
  const screen = await tmux.until((text) => /^ended \d+$/m.test(text), 'the end');
  assert.not.ok(await tmux.isAlternate(), 'the first screen is back');
  assert.is(await tmux.title(), title, 'the title is back');
  return screen;
}

spec('the UI on a terminal', (it) => {
  it(
    'asks its first questions and takes typed, edited and pasted answers',
    async (t) => {
      const { tmux } = await start(t, '--first-run');
      await tmux.sees('This computer is not in a workgroup yet.');
      await tmux.press('Down', 'Enter');
      await tmux.sees('Start a new workgroup', 'Office');
      await tmux.press('Escape');
      await tmux.sees('▸ Start a new workgroup');
      await tmux.press('Up', 'Enter');
      await tmux.sees('Join coworkers with a code');
      await tmux.paste('7K2MQ-X4T9B-0RWZC-HN5DV');
      await tmux.press('Enter');
      await tmux.sees('You are in Rua Nova 12.');
      await tmux.press('C-u');
      await tmux.type('my-pc');
      await tmux.press('Enter');
      await tmux.sees('Which folders may coworkers see?');
      await tmux.press('Enter');
      await tmux.sees('my-pc is in Rua Nova 12', 'Nobody else is here yet.');
    },
    OPTIONS,
  );

  it(
    'gives the screen and the title back, and says what goes on',
    async (t) => {
      const ui = await start(t, '');
      const { tmux } = ui;
      await tmux.sees('bruno-pc', '? keys');
      assert.ok(await tmux.isAlternate());
      assert.is(await tmux.title(), 'Potluck: 3 transfers');
      await tmux.press('C-c');
      const screen = await ended(ui);
      assert.match(screen, '3 transfers and 1 print job go on in the background.');
      assert.match(screen, 'ended 0');
      assert.match(screen.replaceAll('\n', ''), PROGRAM.slice(-20), 'what was there before is there again');
      await tmux.type('echo "typed again"');
      await tmux.press('Enter');
      await tmux.sees('\ntyped again');
    },
    OPTIONS,
  );

  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(
      `gives the screen back when it gets a ${signal}`,
      async (t) => {
        const ui = await start(t, '');
        await ui.tmux.sees('bruno-pc', '? keys');
        process.kill(ui.pid(), signal);
        assert.match(await ended(ui), `ended ${status}`);
      },
      OPTIONS,
    );
  }

  it(
    'gives the screen back before an unexpected error is printed',
    async (t) => {
      assert.match(await ended(await start(t, '--throw')), 'Error: nobody expected this');
    },
    OPTIONS,
  );

  it(
    'stops for ctrl+z and goes on where it was',
    async (t) => {
      const { tmux } = await start(t, '');
      await tmux.sees('bruno-pc', '? keys');
      await tmux.press('3');
      await tmux.sees('▸ site-video.mp4');
      await tmux.press('C-z');
      await tmux.sees('Stopped');
      assert.not.ok(await tmux.isAlternate());
      await tmux.type('fg');
      await tmux.press('Enter');
      await tmux.sees('▸ site-video.mp4', '? keys');
      await tmux.press('2');
      await tmux.sees('WHOSE FOLDERS');
    },
    OPTIONS,
  );

  it(
    'follows the size of the window while things move',
    async (t) => {
      const { tmux } = await start(t, '--moving');
      await tmux.sees('bruno-pc', '? keys');
      await tmux.press('3');
      for (const [columns, rows] of [
        [58, 20],
        [120, 40],
        [40, 12],
        [30, 8],
        [96, 30],
      ] as const) {
        await tmux.resize(columns, rows);
        await tmux.until((screen) => isWhole(screen, columns, rows), `a picture of ${columns}x${rows}`);
      }
    },
    OPTIONS,
  );

  it(
    'comes back to an agent that is started from its screen',
    async (t) => {
      const { tmux } = await start(t, '--away');
      await tmux.sees('no agent is running on this PC', 'enter  start it now');
      await tmux.press('Enter');
      await tmux.sees('bruno-pc', '? keys');
    },
    OPTIONS,
  );

  it(
    'writes nothing that a terminal in memory refuses, and the same picture as on the real one',
    async (t) => {
      const { tmux } = await start(t, '');
      await tmux.sees('bruno-pc', '? keys');
      const steps: ReadonlyArray<readonly [string, string]> = [
        ['3', '▸ site-video.mp4'],
        ['Down', '▸ drawings/'],
        ['x', 'Cancel drawings?'],
        ['Escape', 's pause/resume'],
        ['4', 'MY JOBS'],
        ['i', 'Invite a coworker'],
        ['Escape', 'p print file'],
        ['2', 'WHOSE FOLDERS'],
        ['Down', '▸ bruno-pc'],
        ['Enter', 'Templates/'],
        ['?', 'type to search'],
      ];
      for (const [key, then] of steps) {
        await tmux.press(key);
        await tmux.sees(then);
      }
      const screen = await tmux.sees('type to search');
      const raw = tmux.raw();
      const memory = new VirtualTerminal(80, 24);
      memory.write(raw.slice(raw.indexOf(ENTER_ALTERNATE)));
      assert.is(memory.failure, null);
      assert.is(memory.lines.join('\n').trimEnd(), screen.trimEnd());
    },
    OPTIONS,
  );

  it(
    'writes no colour under NO_COLOR, and only ASCII under LANG=C',
    async (t) => {
      const ui = await start(t, '', { NO_COLOR: '1', LANG: 'C' });
      const { tmux } = ui;
      await tmux.sees('* online', '? keys');
      await tmux.press('3', '4', '5', 'q');
      await ended(ui);
      const raw = tmux.raw();
      const drawn = raw.slice(raw.indexOf(ENTER_ALTERNATE), raw.indexOf(LEAVE_ALTERNATE));
      assert.ok(
        Buffer.from(drawn).every((byte) => byte < 0x80),
        'only ASCII',
      );
      const memory = new VirtualTerminal(80, 24);
      memory.write(drawn);
      assert.is(memory.failure, null);
      assert.equal(memory.colors, new Set());
    },
    OPTIONS,
  );
});

/** Does the picture fit its window, from the title to the keys, with nothing of the one before? */
function isWhole(screen: string, columns: number, rows: number): boolean {
  const lines = screen.split('\n');
  if (columns < 40 || rows < 12) return screen.startsWith('Make the window larger');
  const rules = lines.filter((line) => line.includes('─'.repeat(20)));
  return (
    lines[0]?.startsWith(' Rua Nova 12') === true &&
    lines.at(-2)?.startsWith(' s pause/resume') === true &&
    lines.at(-1) === '' &&
    rules.every((line) => line.length === columns) &&
    lines.filter((line) => line.includes('site-video.mp4') && line.includes('▸')).length === 1
  );
}
