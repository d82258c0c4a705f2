/** The network printer: it takes a job from an IPP client on another host and stores it byte for byte. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { needNetworkPrinter, openNetworkPrinter } from './ippeveprinter.js';
import { openLab } from './lab.js';
import { samplePdf } from './samples.js';
import { spec } from './spec.js';
import { temporaryFolder } from './temporary.js';

const needs = needNetworkPrinter;

spec('ippeveprinter', (it) => {
  it(
    'takes a job from another host and stores the document as it was sent',
    async (t) => {
      const lab = await openLab(t, { hosts: 2 });
      const printer = await openNetworkPrinter(t, lab.host(2));
      const document = samplePdf(2);
      const file = path.join(temporaryFolder(t), 'letter.pdf');
      await writeFile(file, document);
      const args = ['-tI', '-f', file, '-d', 'filetype=application/pdf', printer.uri, 'print-job.test'];
      const report = await lab.host(1).exec('ipptool', args);
      assert.is(report.code, 0, report.stdout);
      const [job] = await printer.printed(1);
      assert.is(job?.format, 'application/pdf');
      assert.ok((await readFile(job?.file ?? '')).equals(document));
    },
    { needs, limitMs: 30_000 },
  );
});
