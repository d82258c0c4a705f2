/** Jobs between two PCs: what is taken, what is refused, what waits and why, and how each comes to its end. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { isFinal } from '../../agent/core/print-job.js';
import type { JobId } from '../../protocol/ids.js';
import type { JobRow } from '../../protocol/local/model.js';
import { sampleBytes, sampleJpeg, samplePdf, samplePng, sampleText } from '../support/samples.js';
import { until } from '../support/process.js';
import { refusal } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { FakePrinter, type Trouble } from './fake-printer.js';
import { openSides, type Side } from './two-sides.js';

const OPTIONS = { limitMs: 30_000 };

async function file(t: Case, name: string, bytes: Uint8Array): Promise<string> {
  const place = path.join(temporaryFolder(t), name);
  await writeFile(place, bytes);
  return place;
}

async function openTray(t: Case): Promise<{ ana: Side; bruno: Side; kept: () => string[] }> {
  const { ana, bruno } = await openSides(t);
  await bruno.printing.printers.share('tray', [], t.signal);
  // As after `peer.changed`: Ana knows of it, also when Bruno is off.
  await ana.printing.printerRows(t.signal);
  const kept = (): string[] => readdirSync(bruno.tray).filter((name) => !name.startsWith('.'));
  return { ana, bruno, kept };
}

async function openFake(t: Case): Promise<{ ana: Side; bruno: Side; fake: FakePrinter }> {
  const fake = await FakePrinter.open(t, { kind: 'cups' });
  const { ana, bruno } = await openSides(t, { env: { CUPS_SERVER: fake.server } });
  await bruno.printing.printers.share('fake', [], t.signal);
  return { ana, bruno, fake };
}

const print = (t: Case, side: Side, document: string, printer: string, more: object = {}): Promise<JobRow> =>
  side.printing.print({ file: document, printer, copies: 1, ...more }, t.signal);

const over = ({ state }: JobRow): boolean => isFinal(state);

/** Resolves when no document of a job is on the disk of any of these PCs. */
async function spoolsAreEmpty(...sides: Side[]): Promise<void> {
  const folders = sides.flatMap(({ folder }) =>
    ['sent', 'received'].map((part) => path.join(folder, 'home', 'spool', part)),
  );
  await until('the spools are empty', () => folders.every((folder) => readdirSync(folder).length === 0) || null);
}

spec('a document', (it) => {
  const taken: Record<string, [string, Buffer]> = {
    'a PDF': ['plan.pdf', samplePdf(2)],
    'a JPEG': ['photo.jpg', sampleJpeg()],
    'a PNG': ['screen.png', samplePng()],
    'a text': ['notes.txt', sampleText()],
    'a text with another extension': ['notes.md', Buffer.from('# Größe: 3 €\n')],
    'a PDF without its extension': ['plan', samplePdf(1)],
  };
  for (const [what, [name, bytes]] of Object.entries(taken)) {
    it(
      `that is ${what} lies in the tray byte for byte, and nowhere else`,
      async (t) => {
        const { ana, bruno, kept } = await openTray(t);
        const { id } = await print(t, ana, await file(t, name, bytes), 'bruno/Tray');
        const row = await ana.job(id, over);
        assert.is(row.state, 'completed', row.because);
        await bruno.job(id, over);
        const [stored, ...more] = kept();
        assert.equal(more, []);
        assert.ok(readFileSync(path.join(bruno.tray, stored ?? '')).equals(bytes));
        await spoolsAreEmpty(ana, bruno);
      },
      OPTIONS,
    );
  }

  const refused: Record<string, [string, Buffer, string]> = {
    'an office file': [
      'minutes.docx',
      Buffer.concat([Buffer.from('PK\x03\x04'), sampleBytes('zip', 500)]),
      'FORMAT_UNSUPPORTED',
    ],
    'random bytes': ['noise.pdf', sampleBytes('noise', 4000), 'FORMAT_UNSUPPORTED'],
    'a program': ['run.txt', Buffer.from('\x7fELF\x02\x01\x01'), 'FORMAT_UNSUPPORTED'],
    'an empty file': ['empty.txt', Buffer.alloc(0), 'FORMAT_UNSUPPORTED'],
    'a PDF that was cut off': ['cut.pdf', samplePdf(3).subarray(0, 700), 'DOCUMENT_DAMAGED'],
    'a PDF with a password': [
      'secret.pdf',
      Buffer.from(samplePdf(1).toString('latin1').replace('trailer\n<<', 'trailer\n<< /Encrypt 9 0 R'), 'latin1'),
      'FORMAT_UNSUPPORTED',
    ],
  };
  for (const [what, [name, bytes, code]] of Object.entries(refused)) {
    it(`that is ${what} is refused before it travels, and leaves nothing`, async (t) => {
      const { ana, bruno, kept } = await openTray(t);
      const document = await file(t, name, bytes);
      assert.is(await refusal(() => print(t, ana, document, 'bruno/Tray')), code);
      await spoolsAreEmpty(ana, bruno);
      assert.equal(kept(), []);
      assert.equal(ana.printing.jobRows(true), []);
    });
  }

  it('that is not there, not a file or not readable is refused by name', async (t) => {
    const { ana } = await openTray(t);
    const folder = temporaryFolder(t);
    assert.is(await refusal(() => print(t, ana, path.join(folder, 'none.pdf'), 'bruno/Tray')), 'PATH_UNKNOWN');
    assert.is(await refusal(() => print(t, ana, folder, 'bruno/Tray')), 'UNREADABLE');
    assert.is(await refusal(() => print(t, ana, 'relative.pdf', 'bruno/Tray')), 'USAGE');
  });
});

spec('a job', (it) => {
  it(
    'waits for a printer whose PC is off, says so, and goes on when it is back',
    async (t) => {
      const { ana, bruno, kept } = await openTray(t);
      ana.cut();
      const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/Tray');
      const waiting = await ana.job(id, ({ because }) => because.includes('bruno'));
      assert.is(waiting.state, 'waiting');
      assert.equal(kept(), []);
      ana.join();
      assert.is((await ana.job(id, over)).state, 'completed');
      assert.is((await bruno.job(id, over)).state, 'completed');
      assert.is(kept().length, 1);
    },
    OPTIONS,
  );

  it(
    'survives a restart of its own PC while it waits',
    async (t) => {
      const { ana, kept } = await openTray(t);
      ana.cut();
      const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/Tray');
      await ana.stop();
      await ana.start();
      ana.join();
      assert.is((await ana.job(id, over)).state, 'completed');
      assert.is(kept().length, 1);
    },
    OPTIONS,
  );

  it(
    'is the same job when it is offered again, and another PC cannot have its id',
    async (t) => {
      const { ana, bruno, fake } = await openFake(t);
      fake.suffer('paused');
      const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/fake');
      await ana.job(id, ({ state }) => state === 'blocked');
      const [printer] = await bruno.printing.printers.shared(() => true, t.signal);
      assert.ok(printer);
      const { spooler } = bruno.printing;
      const bytes = samplePdf(1);
      const { createHash } = await import('node:crypto');
      const offer = {
        job: id as JobId,
        printer: printer.id,
        ticket: { title: 'a.pdf' as never, copies: 1 },
        document: {
          format: 'application/pdf',
          size: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        },
      };
      const again = await spooler.offer(ana.id, offer, t.signal);
      assert.is(again.report.state, 'blocked');
      assert.is(await refusal(() => spooler.offer('c'.repeat(64) as never, offer, t.signal)), 'NOT_ALLOWED');
      const other = { ...offer, document: { ...offer.document, sha256: '0'.repeat(64) } };
      assert.is(await refusal(() => spooler.offer(ana.id, other, t.signal)), 'BAD_MESSAGE');
      fake.suffer(null);
      assert.is((await ana.job(id, over)).state, 'completed');
      assert.is(fake.printed.length, 1);
    },
    OPTIONS,
  );

  const troubles: [Trouble, RegExp][] = [
    ['paper-out', /paper/i],
    ['paused', /paused/i],
    ['busy', /busy/i],
    ['refusing', /no jobs|not accept/i],
  ];
  for (const [trouble, sentence] of troubles) {
    it(
      `says on both sides that the printer is ${trouble}, and goes on by itself`,
      async (t) => {
        const { ana, bruno, fake } = await openFake(t);
        fake.suffer(trouble);
        const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/fake');
        const [here, there] = await Promise.all(
          [ana, bruno].map((side) => side.job(id, ({ because }) => sentence.test(because))),
        );
        assert.ok(here && there);
        assert.is(here.because, there.because);
        assert.not(isFinal(here.state));
        assert.is(fake.printed.length, 0);
        fake.suffer(null);
        assert.is((await ana.job(id, over)).state, 'completed');
        assert.is(fake.printed.length, 1);
      },
      OPTIONS,
    );
  }

  for (const who of ['ana', 'bruno'] as const) {
    it(
      `that ${who === 'ana' ? 'its requester' : 'the owner'} cancels is cancelled on both sides, for good`,
      async (t) => {
        const { ana, bruno, fake } = await openFake(t);
        fake.suffer('paper-out');
        const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/fake');
        await ana.job(id, ({ state }) => state === 'blocked');
        await { ana, bruno }[who].printing.cancelJob(id, t.signal);
        const [here, there] = await Promise.all([ana.job(id, over), bruno.job(id, over)]);
        assert.is(here.state, 'canceled');
        assert.is(there.state, 'canceled');
        assert.match(here.because, who);
        fake.suffer(null);
        assert.is(fake.openJobs, 0);
        assert.is(fake.printed.length, 0);
        await spoolsAreEmpty(ana, bruno);
      },
      OPTIONS,
    );
  }

  it(
    'that is cancelled at the device is cancelled, and never sent again',
    async (t) => {
      const { ana, fake } = await openFake(t);
      fake.suffer('paper-out');
      const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/fake');
      await ana.job(id, ({ state }) => state === 'blocked');
      fake.cancelAll();
      const row = await ana.job(id, over);
      assert.is(row.state, 'canceled');
      assert.match(row.because, /at the printer/);
      fake.suffer(null);
      assert.is(fake.printed.length, 0);
    },
    OPTIONS,
  );

  it(
    'that waits here is cancelled without its printer’s PC',
    async (t) => {
      const { ana, kept } = await openTray(t);
      ana.cut();
      const { id } = await print(t, ana, await file(t, 'a.pdf', samplePdf(1)), 'bruno/Tray');
      assert.is((await ana.printing.cancelJob(id, t.signal)).state, 'canceled');
      ana.join();
      assert.is((await ana.job(id, over)).state, 'canceled');
      await spoolsAreEmpty(ana);
      assert.equal(kept(), []);
    },
    OPTIONS,
  );

  it(
    'brings its ticket to the printer, and one that the printer cannot do is refused',
    async (t) => {
      const { ana, fake } = await openFake(t);
      const document = await file(t, 'a.pdf', samplePdf(4));
      const { id } = await print(t, ana, document, 'bruno/fake', {
        copies: 3,
        duplex: 'long',
        pages: [[1, 2]],
        title: 'Plan',
      });
      await ana.job(id, over);
      const [printed] = fake.printed;
      assert.is(printed?.name, 'Plan');
      assert.is(await refusal(() => print(t, ana, document, 'bruno/fake', { copies: 51 })), 'USAGE');
      assert.is(await refusal(() => print(t, ana, document, 'bruno/fake', { media: 'iso_a0_841x1189mm' })), 'USAGE');
    },
    OPTIONS,
  );

  it(
    'after another goes in their order, and all of them are printed',
    async (t) => {
      const { ana, bruno, fake } = await openFake(t);
      fake.suffer('busy');
      const documents = await Promise.all([1, 2, 3].map((n) => file(t, `${n}.pdf`, samplePdf(n))));
      const ids: string[] = [];
      for (const document of documents) ids.push((await print(t, ana, document, 'bruno/fake')).id);
      await ana.job(ids[0] ?? '', ({ because }) => /busy/.test(because));
      fake.suffer(null);
      for (const id of ids) assert.is((await ana.job(id, over)).state, 'completed');
      assert.equal(
        fake.printed.map(({ name }) => name),
        ['1.pdf', '2.pdf', '3.pdf'],
      );
      await spoolsAreEmpty(ana, bruno);
    },
    OPTIONS,
  );

  it(
    'ends when its printer is no longer shared before it began, and not when it has begun',
    async (t) => {
      const { ana, bruno, fake } = await openFake(t);
      fake.suffer('paused');
      const document = await file(t, 'a.pdf', samplePdf(1));
      const begun = await print(t, ana, document, 'bruno/fake');
      await ana.job(begun.id, ({ state }) => state === 'blocked');
      await bruno.printing.printers.unshare('fake', t.signal);
      bruno.printing.spooler.accessChanged(() => false);
      fake.suffer(null);
      assert.is((await ana.job(begun.id, over)).state, 'completed');
    },
    OPTIONS,
  );

  it('is nobody’s when no job has its id', async (t) => {
    const { ana } = await openTray(t);
    assert.is(await refusal(() => ana.printing.cancelJob('00000000', t.signal)), 'JOB_UNKNOWN');
    assert.is(await refusal(() => ana.printing.cancelJob('', t.signal)), 'JOB_UNKNOWN');
  });
});
