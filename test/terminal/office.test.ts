/**
 * The main job from the terminal UI, with real agents behind it: found a workgroup, invite, browse a
 * coworker's share, download, print on the coworker's printer.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { openAgent, type Agent } from '../support/agent.js';
import { needPackages } from '../support/packages.js';
import { sampleBytes, samplePdf } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { awaitStored } from '../support/stored.js';
import { temporaryFolder } from '../support/temporary.js';
import { Tmux, TMUX } from '../support/tmux.js';

const PROGRAM = fileURLToPath(new URL('../../tui/main.js', import.meta.url));
const OPTIONS = { needs: () => needPackages(TMUX), limitMs: 120_000 };

async function openUi(t: Case, agent: Agent): Promise<Tmux> {
  const tmux = await Tmux.open(t, { columns: 100, rows: 30, env: agent.env });
  await tmux.type(`'${process.execPath}' '${PROGRAM}'; echo "ended $?"`);
  await tmux.press('Enter');
  return tmux;
}

/** Bruno's PC: a share with a folder, and a tray that prints into a folder. */
async function furnish(t: Case, bruno: Agent): Promise<{ bytes: Buffer; tray: string }> {
  const shared = temporaryFolder(t);
  const tray = path.join(temporaryFolder(t), 'tray');
  const bytes = sampleBytes('video', 3_000_000);
  mkdirSync(path.join(shared, 'Harbour'));
  writeFileSync(path.join(shared, 'Harbour', 'site video.mp4'), bytes);
  await bruno.ask('share', 'add', shared, '--name', 'Projects');
  await bruno.ask('printer', 'add', `tray:${tray}`, '--name', 'Tray');
  await bruno.ask('printer', 'share', 'Tray');
  return { bytes, tray };
}

spec('the UI with real agents', (it) => {
  it(
    'founds, invites, browses, downloads and prints',
    async (t) => {
      const ana = await openAgent(t, { name: 'ana' });
      const bruno = await openAgent(t, { name: 'bruno' });
      const { bytes, tray } = await furnish(t, bruno);
      const tmux = await openUi(t, ana);

      await tmux.sees('not in a workgroup yet');
      await tmux.press('Down', 'Enter');
      await tmux.sees('Start a new workgroup', 'Office');
      await tmux.type('Front office');
      await tmux.press('Enter');
      await tmux.sees('You are in Front office');
      await tmux.press('Enter');
      await tmux.sees('Which folders may coworkers see?');
      await tmux.press('Enter');
      await tmux.sees('Front office', 'Nobody else is here yet.');

      await tmux.press('i');
      const screen = await tmux.sees('Invite a coworker', 'Valid for');
      const [code = ''] = /[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}/.exec(screen) ?? [];
      await bruno.ask('workgroup', 'join', code, '--peer', `127.0.0.1:${ana.port}`);
      await tmux.press('Escape');
      await tmux.sees('bruno', '● online');

      await tmux.press('Enter');
      await tmux.sees('Projects/');
      await tmux.press('Enter');
      await tmux.sees('Harbour/');
      await tmux.press('Enter');
      await tmux.sees('site video.mp4', '3.0 MB');
      await tmux.press('d');
      await tmux.sees('✓ have it');
      assert.ok(readFileSync(path.join(ana.user, 'Downloads', 'site video.mp4')).equals(bytes));
      await tmux.press('3');
      await tmux.sees('DOWNLOADS', 'site video.mp4', '✓ done');

      const document = path.join(ana.user, 'contract.pdf');
      writeFileSync(document, samplePdf(1));
      await tmux.press('4');
      await tmux.sees('Tray', 'bruno', '● ready');
      await tmux.press('p');
      await tmux.sees('Printer', 'Copies');
      await tmux.type(document);
      await tmux.press('Enter');
      await tmux.sees('MY JOBS', 'contract.pdf', '✓ printed');
      const stored = await awaitStored(tray, /\.pdf$/, 1);
      assert.ok(readFileSync(stored[0] ?? '').equals(samplePdf(1)));

      await tmux.press('q');
      await tmux.until((text) => /^ended 0$/m.test(text), 'the end');
    },
    OPTIONS,
  );

  it(
    'says that the agent has gone, and goes on when it is back',
    async (t) => {
      const ana = await openAgent(t, { name: 'ana' });
      await ana.ask('workgroup', 'create', 'Front office');
      const tmux = await openUi(t, ana);
      await tmux.sees('Front office', 'Nobody else is here yet.');
      await ana.kill9();
      await tmux.sees('the agent is away');
      await ana.start();
      await tmux.sees('0 online');
    },
    OPTIONS,
  );
});
