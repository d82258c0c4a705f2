/** One PC takes no connections, or makes none, as firewalls have it: everything still works, in both directions. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { EntryRow } from '../../protocol/local/api.js';
import { needLab } from '../support/lab.js';
import { FIREWALL, firstReason, needPackages } from '../support/packages.js';
import { fileDigest, samplePdf, writeBigFile } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { awaitStored } from '../support/stored.js';
import { temporaryFolder } from '../support/temporary.js';
import { offline, online, openOffice, type Desk } from './office.js';

const SIZE_BYTES = 32 * 1024 * 1024;
const needs = (): string | null => firstReason(needLab, () => needPackages(FIREWALL));

/** `here` browses, downloads from and prints at `there`. */
async function doTheJob(t: Case, here: Desk, there: Desk): Promise<void> {
  const [shared, target, tray] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  const peer = there.agent.name;
  const digest = await writeBigFile(path.join(shared, 'big.bin'), SIZE_BYTES, peer);
  await there.agent.ask('share', 'add', shared, '--name', 'Docs');
  const entries = await here.agent.ask<EntryRow[]>('ls', `${peer}/Docs`);
  assert.equal(
    entries.map(({ name }) => name),
    ['big.bin'],
  );
  await here.agent.ask('get', `${peer}/Docs/big.bin`, '--to', target);
  assert.is(await fileDigest(path.join(target, 'big.bin')), digest);

  const document = samplePdf(2, peer);
  await writeFile(path.join(target, 'letter.pdf'), document);
  await there.agent.ask('printer', 'add', `tray:${tray}`, '--name', 'Tray');
  await there.agent.ask('printer', 'share', 'Tray');
  const file = path.join(target, 'letter.pdf');
  const job = await here.agent.ask<{ state: string }>('print', file, '--printer', `${peer}/Tray`, '--wait');
  assert.is(job.state, 'completed');
  const [stored = ''] = await awaitStored(tray, /\.pdf$/, 1);
  assert.ok((await readFile(stored)).equals(document));
}

spec('firewall', (it) => {
  for (const blocked of ['in', 'out'] as const) {
    it(
      `does the whole job both ways while one PC has new connections blocked, ${blocked}`,
      async (t) => {
        const { ana, bruno } = await openOffice(t);
        await bruno.agent.stop();
        await offline(ana.agent, 'bruno');
        await bruno.host.firewall(blocked);
        await bruno.agent.start();
        await Promise.all([online(ana.agent, 'bruno'), online(bruno.agent, 'ana')]);
        await doTheJob(t, ana, bruno);
        await doTheJob(t, bruno, ana);
      },
      { needs, limitMs: 180_000 },
    );
  }
});
