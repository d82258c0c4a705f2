/** Printing on a coworker's real printers: a network printer, CUPS queues with and without trouble, the tray. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { JobRow, PrinterRow } from '../../protocol/local/model.js';
import { needCups, openCups, type Cups } from '../support/cups.js';
import { needNetworkPrinter, openNetworkPrinter } from '../support/ippeveprinter.js';
import { needLab } from '../support/lab.js';
import { firstReason } from '../support/packages.js';
import { must, until } from '../support/process.js';
import { sampleJpeg, samplePdf, samplePng, sampleText } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { awaitStored } from '../support/stored.js';
import { temporaryFolder } from '../support/temporary.js';
import type { Agent } from '../support/agent.js';
import { openOffice } from './office.js';

interface PrintAnswer {
  readonly job: string;
  readonly printer: string;
  readonly state: string;
}

const DOCUMENTS = {
  'letter.pdf': samplePdf(3),
  'photo.jpg': sampleJpeg(),
  'chart.png': samplePng(),
  'notes.txt': sampleText(),
} as const;

async function documents(t: Case): Promise<(name: keyof typeof DOCUMENTS) => string> {
  const folder = temporaryFolder(t);
  for (const [name, bytes] of Object.entries(DOCUMENTS)) await writeFile(path.join(folder, name), bytes);
  return (name) => path.join(folder, name);
}

/** Two linked agents, the second with a CUPS of its own. */
async function openCupsOffice(t: Case): Promise<{ ana: Agent; bruno: Agent; cups: Cups }> {
  let cups: Cups | null = null;
  const { ana, bruno } = await openOffice(t, {}, async (host) => {
    if (host.number === 1) return {};
    cups = await openCups(t, host);
    return { env: { CUPS_SERVER: cups.socket } };
  });
  if (cups === null) throw new Error('the office has one host');
  return { ana: ana.agent, bruno: bruno.agent, cups };
}

function print(agent: Agent, file: string, printer: string, ...options: string[]): Promise<PrintAnswer> {
  return agent.ask<PrintAnswer>('print', file, '--printer', printer, ...options);
}

function jobState(agent: Agent, id: string, fits: (job: JobRow) => boolean): Promise<JobRow> {
  return until(
    `${agent.name} sees the job as expected`,
    async () => (await agent.ask<JobRow[]>('jobs', '--all')).find((job) => job.id === id && fits(job)),
    20_000,
  );
}

const needsCups = (): string | null => firstReason(needLab, needCups);

spec('print', (it) => {
  it(
    'reaches a network printer behind a coworker, byte for byte',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const printer = await openNetworkPrinter(t, bruno.host);
      const document = await documents(t);
      await bruno.agent.ask('printer', 'add', printer.uri, '--name', 'Lab');
      await bruno.agent.ask('printer', 'share', 'Lab');
      const done = await print(ana.agent, document('letter.pdf'), 'bruno/Lab', '--title', 'A letter', '--wait');
      assert.is(done.state, 'completed');
      await print(ana.agent, document('photo.jpg'), 'bruno/Lab', '--wait');
      const [pdf, jpeg] = await printer.printed(2);
      assert.is(pdf?.format, 'application/pdf');
      assert.ok((await readFile(pdf?.file ?? '')).equals(DOCUMENTS['letter.pdf']));
      assert.ok((await readFile(jpeg?.file ?? '')).equals(DOCUMENTS['photo.jpg']));
    },
    { needs: () => firstReason(needLab, needNetworkPrinter), limitMs: 120_000 },
  );

  it(
    'reaches a CUPS queue, which renders what it got',
    async (t) => {
      const { ana, bruno, cups } = await openCupsOffice(t);
      const document = await documents(t);
      await bruno.ask('printer', 'share', 'pdf');
      await bruno.ask('printer', 'share', 'raster');
      const shown = await ana.ask<PrinterRow[]>('printers');
      assert.equal(
        shown
          .filter((row) => !row.local)
          .map((row) => `${row.peerName}/${row.name}`)
          .toSorted(),
        ['bruno/pdf', 'bruno/raster'],
      );
      const done = await print(
        ana,
        document('letter.pdf'),
        'bruno/pdf',
        '--title',
        'A letter',
        '--copies',
        '2',
        '--wait',
      );
      assert.is(done.state, 'completed');
      const [kept] = await cups.kept('pdf', 1);
      assert.is(kept?.sent, 'application/pdf');
      assert.is(kept?.title, 'A letter');
      assert.match(await must('qpdf', ['--check', kept?.file ?? '']), /No syntax or stream encoding errors found/);
      assert.match(await must('pdftotext', [kept?.file ?? '', '-']), /page 3 of 3/);

      await print(ana, document('letter.pdf'), 'bruno/raster', '--wait');
      const [raster] = await cups.kept('raster', 1);
      assert.is((await readFile(raster?.file ?? '')).subarray(0, 4).toString(), 'RaS2');
    },
    { needs: needsCups, limitMs: 120_000 },
  );

  it(
    'takes a JPEG, a PNG and a text to a CUPS queue as what they are',
    async (t) => {
      const { ana, bruno, cups } = await openCupsOffice(t);
      const document = await documents(t);
      await bruno.ask('printer', 'share', 'pdf');
      for (const name of ['photo.jpg', 'chart.png', 'notes.txt'] as const) {
        assert.is((await print(ana, document(name), 'bruno/pdf', '--wait')).state, 'completed');
      }
      const sent = (await cups.kept('pdf', 3)).map((job) => job.sent);
      assert.equal(sent, ['image/jpeg', 'image/png', 'text/plain']);
    },
    { needs: needsCups, limitMs: 120_000 },
  );

  it(
    'says that the paper is out, to both, and goes on when there is some: one print',
    async (t) => {
      const { ana, bruno, cups } = await openCupsOffice(t);
      const document = await documents(t);
      await bruno.ask('printer', 'share', 'pdf');
      await cups.fault('pdf', 'paper-out');
      const { job } = await print(ana, document('letter.pdf'), 'bruno/pdf');
      await jobState(ana, job, (row) => row.state === 'blocked' && /paper/i.test(row.because));
      await jobState(bruno, job, (row) => row.state === 'blocked');
      await cups.fault('pdf', null);
      await jobState(ana, job, (row) => row.state === 'completed');
      assert.is((await cups.kept('pdf', 1)).length, 1);
    },
    { needs: needsCups, limitMs: 120_000 },
  );

  it(
    'cancels a job that waits for paper; nothing is printed',
    async (t) => {
      const { ana, bruno, cups } = await openCupsOffice(t);
      const document = await documents(t);
      await bruno.ask('printer', 'share', 'pdf');
      await cups.fault('pdf', 'paper-out');
      const { job } = await print(ana, document('letter.pdf'), 'bruno/pdf');
      await jobState(ana, job, (row) => row.state === 'blocked');
      await ana.ask('job', 'cancel', job);
      await jobState(ana, job, (row) => row.state === 'canceled');
      await cups.fault('pdf', null);
      const file = document('notes.txt');
      await print(ana, file, 'bruno/pdf', '--wait');
      const [only, ...more] = await cups.kept('pdf', 1);
      assert.is(only?.sent, 'text/plain');
      assert.is(more.length, 0);
    },
    { needs: needsCups, limitMs: 120_000 },
  );

  it(
    'puts the bytes that were sent into a tray, each with the extension of what it is',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const document = await documents(t);
      const tray = temporaryFolder(t);
      await bruno.agent.ask('printer', 'add', `tray:${tray}`, '--name', 'Tray');
      await bruno.agent.ask('printer', 'share', 'Tray');
      for (const [name, bytes] of Object.entries(DOCUMENTS)) {
        await print(ana.agent, document(name as keyof typeof DOCUMENTS), 'bruno/Tray', '--wait');
        const [stored = ''] = await awaitStored(tray, new RegExp(`\\${path.extname(name)}$`), 1);
        assert.ok((await readFile(stored)).equals(bytes), name);
      }
    },
    { needs: needLab, limitMs: 120_000 },
  );
});
