/** The private CUPS: it prints what a printer can be given, suffers on demand, and is gone afterwards. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { needCups, openCups } from './cups.js';
import { needLab, openLab } from './lab.js';
import { firstReason, NETWORK_PRINTER, needPackages } from './packages.js';
import { must, run, until } from './process.js';
import { sampleJpeg, samplePdf, samplePng, sampleText } from './samples.js';
import { spec, type Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

const needs = needCups;

async function document(t: Case, name: string, bytes: Buffer): Promise<string> {
  const file = path.join(temporaryFolder(t), name);
  await writeFile(file, bytes);
  return file;
}

spec('cups', (it) => {
  it(
    'prints a PDF into the folder of the printer, page for page',
    async (t) => {
      const cups = await openCups(t);
      await cups.lp('pdf', await document(t, 'letter.pdf', samplePdf(3)), '-t', 'A letter', '-n', '2');
      const [job] = await cups.kept('pdf', 1);
      assert.is(job?.title, 'A letter');
      assert.is(job?.sent, 'application/pdf');
      assert.match(await must('qpdf', ['--check', job?.file ?? '']), /No syntax or stream encoding errors found/);
      assert.match(await must('pdftotext', [job?.file ?? '', '-']), /page 3 of 3/);
    },
    { needs, limitMs: 30_000 },
  );

  it(
    'renders documents, pictures and text for a printer that takes only raster',
    async (t) => {
      const cups = await openCups(t);
      await cups.lp('raster', await document(t, 'a.pdf', samplePdf(1)));
      await cups.lp('raster', await document(t, 'b.txt', sampleText()));
      for (const { file } of await cups.kept('raster', 2)) {
        assert.is((await readFile(file)).subarray(0, 4).toString(), 'RaS2');
      }
      await cups.lp('pdf', await document(t, 'c.jpg', sampleJpeg()));
      await cups.lp('pdf', await document(t, 'd.png', samplePng()));
      const sent = (await cups.kept('pdf', 2)).map((job) => job.sent);
      assert.equal(sent, ['image/jpeg', 'image/png']);
    },
    { needs, limitMs: 60_000 },
  );

  it(
    'runs out of paper and goes on when there is some, with the same job',
    async (t) => {
      const cups = await openCups(t);
      await cups.fault('pdf', 'paper-out');
      await cups.lp('pdf', await document(t, 'a.pdf', samplePdf(1)));
      const state = async (): Promise<string> => (await cups.client('lpstat', '-p', 'pdf')).stdout;
      await until('the queue says so', async () => (await state()).includes('Out of paper'));
      await cups.fault('pdf', null);
      assert.is((await cups.kept('pdf', 1)).length, 1);
    },
    { needs, limitMs: 30_000 },
  );

  it(
    'keeps its queues when it is started again',
    async (t) => {
      const cups = await openCups(t);
      await cups.end();
      assert.is.not((await cups.client('lpstat', '-r')).stdout.trim(), 'scheduler is running');
      await cups.start();
      await cups.lp('pdf', await document(t, 'a.pdf', samplePdf(1)));
      await cups.kept('pdf', 1);
    },
    { needs, limitMs: 30_000 },
  );

  it(
    'prints inside a host of the lab, for a client on another one',
    async (t) => {
      const lab = await openLab(t, { hosts: 2 });
      const cups = await openCups(t, lab.host(2));
      const file = await document(t, 'a.pdf', samplePdf(1));
      const uri = `ipp://${lab.host(2).address}:${cups.port}/printers/pdf`;
      const args = ['-tI', '-f', file, uri, 'print-job.test'];
      const report = await run(...lab.host(1).inside('ipptool', args));
      assert.is(report.code, 0, report.stdout);
      await cups.kept('pdf', 1);
    },
    { needs: () => firstReason(needLab, needCups, () => needPackages(NETWORK_PRINTER)), limitMs: 30_000 },
  );
});
