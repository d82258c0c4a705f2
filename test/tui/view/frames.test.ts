/**
 * Pictures of every screen and overlay in three sizes, in colour, without colour and in ASCII. The
 * terminal in memory refuses a line that runs over the edge and a picture that scrolls.
 */
import * as assert from 'uvu/assert';
import { checkGolden } from '../../support/golden.js';
import { FakeClient } from '../../support/fake-client.js';
import { office, self, type Rows } from '../../support/fake-office.js';
import { openScreen, type Screen } from '../../support/screen.js';
import { spec, type Case } from '../../support/spec.js';
import { PotluckError } from '../../../protocol/errors.js';

const SIZES = [
  [96, 30],
  [58, 20],
  [40, 12],
] as const;

const MODES = {
  color: { env: {}, file: (scene: string) => `color/${scene}.ansi` },
  mono: { env: { NO_COLOR: '1' }, file: (scene: string) => `mono/${scene}.txt` },
  ascii: { env: { NO_COLOR: '1', LANG: 'C' }, file: (scene: string) => `ascii/${scene}.txt` },
} as const;

interface Scene {
  readonly rows?: Rows;
  readonly keys?: readonly string[];
  /** More than keys can do. */
  readonly after?: (ui: Screen) => Promise<void>;
  readonly agent?: () => FakeClient;
}

const ALONE: Rows = { self: [self()] };
const NEW_PC: Rows = { self: [self({ workgroup: null, name: 'new-pc' })] };
const HARBOUR = ['2', 'down', 'enter', 'enter', 'down', 'enter', 'enter'];

const SCENES: Readonly<Record<string, Scene>> = {
  peers: {},
  'peers-alone': { rows: ALONE },
  'browse-all': { keys: ['2'] },
  'browse-folder': { keys: [...HARBOUR, 'down', 'd', 'down', 'space', 'down', 'space'] },
  'browse-own-shares': { keys: ['2', 'enter'] },
  transfers: { keys: ['3'] },
  'transfers-empty': { rows: ALONE, keys: ['3'] },
  printers: { keys: ['4'] },
  'printers-empty': { rows: ALONE, keys: ['4'] },
  activity: { keys: ['5'] },
  filter: { keys: ['/', 'pc'] },
  'filter-nothing': { keys: ['/', 'zzz', 'enter'] },
  help: { keys: ['?'] },
  palette: { keys: [':', 'print'] },
  invite: { keys: ['i'] },
  'confirm-remove': { keys: ['x'] },
  'confirm-cancel': { keys: ['3', 'x', 'right'] },
  prompt: { keys: ['2', 'n', '/home/ana/work'] },
  print: { keys: ['4', 'down', 'p', '~/plan.pdf', 'down', 'down', 'right'] },
  'text-transfer': { keys: ['3', 'enter'] },
  'setup-choose': { rows: NEW_PC },
  'setup-join': { rows: NEW_PC, keys: ['enter', '7k2mq'] },
  'setup-join-refused': {
    rows: NEW_PC,
    keys: ['enter', '7k2mq'],
    after: async (ui) => {
      ui.agent.refuse(
        'workgroup.join',
        new PotluckError('INVITE_REFUSED', 'no PC here has an invitation with this code'),
      );
      await ui.press('enter');
    },
  },
  'setup-name': { rows: NEW_PC, keys: ['down', 'enter', 'enter'] },
  'setup-folders': { rows: NEW_PC, keys: ['down', 'enter', 'enter', 'enter', 'down', 'space'] },
  'no-agent': { agent: awayClient },
  reconnecting: {
    after: async (ui) => {
      ui.agent.goAway();
      await ui.settle();
    },
  },
};

const FILES = {
  list: async () => ['Documents', 'Public', 'Music'].map((name) => ({ name, isFolder: true })),
};

spec('frames', (it) => {
  for (const [name, scene] of Object.entries(SCENES)) {
    for (const [mode, { env, file }] of Object.entries(MODES)) {
      it(`draws ${name} in ${mode}`, async (t) => {
        const pictures: string[] = [];
        for (const [columns, rows] of SIZES) {
          const ui = await play(t, scene, { columns, rows, env });
          if (mode !== 'color') assert.ok(hasNoColor(ui), 'no colour');
          if (mode === 'ascii') assert.match(ui.text, /^[\n -~]*$/, 'only ASCII');
          const lines = mode === 'color' ? ui.terminal.styledLines : ui.terminal.lines;
          pictures.push(`== ${columns}x${rows}`, ...lines);
          ui.close();
        }
        checkGolden(file(name), `${pictures.join('\n')}\n`);
      });
    }
  }

  it('asks for a larger window where nothing fits', async (t) => {
    const ui = await openScreen(t, ALONE, { columns: 39, rows: 11 });
    ui.sees('Make the window larger');
    await ui.resize(80, 24);
    ui.sees('Nobody else is here yet.');
  });
});

async function play(
  t: Case,
  scene: Scene,
  options: { readonly columns: number; readonly rows: number; readonly env: Readonly<Record<string, string>> },
): Promise<Screen> {
  const { rows, folders } = office();
  const agent = scene.agent === undefined ? {} : { agent: scene.agent() };
  const ui = await openScreen(t, scene.rows ?? rows, { ...options, ...agent, folders, files: FILES });
  await ui.press(...(scene.keys ?? []));
  await scene.after?.(ui);
  return ui;
}

function hasNoColor(ui: Screen): boolean {
  return ui.terminal.cells.every((row) => row.every((cell) => cell.style.color === null));
}

function awayClient(): FakeClient {
  const agent = new FakeClient({});
  agent.goAway();
  return agent;
}
