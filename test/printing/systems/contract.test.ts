/** What every print system has to keep, on all that this machine has: the tray, fakes, CUPS, a network printer. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock as clock } from '../../../agent/platform/clock.js';
import { Cups } from '../../../agent/printing/systems/cups.js';
import { NetworkPrinter } from '../../../agent/printing/systems/network-ipp.js';
import type { PrintOrder, SystemPrinter } from '../../../agent/printing/systems/system.js';
import { Tray } from '../../../agent/printing/systems/tray.js';
import type { DocumentFormat } from '../../../protocol/document.js';
import type { JobId } from '../../../protocol/ids.js';
import type { Ticket } from '../../../protocol/peer/printing.js';
import { needCups, openCups } from '../../support/cups.js';
import { needNetworkPrinter, openNetworkPrinter } from '../../support/ippeveprinter.js';
import { openLab } from '../../support/lab.js';
import { until } from '../../support/process.js';
import { samplePdf } from '../../support/samples.js';
import { spec, type Case } from '../../support/spec.js';
import { temporaryFolder } from '../../support/temporary.js';
import { FakePrinter, type FakeOptions } from '../fake-printer.js';

interface Bench {
  readonly printer: SystemPrinter;
  /** What came out of the printer so far. */
  readonly printed: () => Promise<Buffer[]>;
  /** Whether the bytes come out as they went in. */
  readonly keepsBytes: boolean;
  /** Whether a job can be found before it has its document. */
  readonly findsEmpty: boolean;
}

const DOCUMENT = samplePdf(2);
const pin = { get: () => null, set: async () => undefined };

async function orderOf(t: Case, title = 'A letter', bytes = DOCUMENT): Promise<PrintOrder> {
  const file = path.join(temporaryFolder(t), 'document');
  await writeFile(file, bytes);
  return {
    token: randomUUID() as JobId,
    ticket: { title: title as Ticket['title'], copies: 1 },
    format: 'application/pdf' as DocumentFormat,
    file,
    sizeBytes: bytes.length,
    askedMs: Date.UTC(2026, 10, 21, 14, 2, 7),
  };
}

async function trayBench(t: Case): Promise<Bench> {
  const folder = temporaryFolder(t);
  const printed = async (): Promise<Buffer[]> => {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
    return Promise.all(names.map((name) => readFile(path.join(folder, name))));
  };
  return { printer: new Tray(folder), printed, keepsBytes: true, findsEmpty: false };
}

async function fakeBench(t: Case, options: FakeOptions): Promise<Bench> {
  const fake = await FakePrinter.open(t, options);
  const cups = new Cups({ env: { CUPS_SERVER: fake.server }, userHome: temporaryFolder(t), user: 'ana', clock });
  const printer =
    options.kind === 'cups' ? cups.printer('fake') : new NetworkPrinter({ uri: fake.uri, user: 'ana', clock, pin });
  const printed = async (): Promise<Buffer[]> => fake.printed.map(({ bytes }) => bytes);
  return { printer, printed, keepsBytes: true, findsEmpty: options.kind !== 'simple' };
}

async function cupsBench(t: Case): Promise<Bench> {
  const cups = await openCups(t);
  const system = new Cups({ env: { CUPS_SERVER: cups.socket }, userHome: temporaryFolder(t), user: 'root', clock });
  const [printer] = (await system.printers(t.signal)).filter(({ uri }) => uri === 'cups:pdf');
  assert.ok(printer, 'the queue is listed');
  const printed = async (): Promise<Buffer[]> =>
    Promise.all((await cups.kept('pdf', 0)).map(({ file }) => readFile(file)));
  return { printer, printed, keepsBytes: false, findsEmpty: true };
}

/** The printer is in a host of the lab and this process is not: bytes go through a socket in the file system. */
const RELAY = `const net = require('node:net');
net.createServer((from) => {
  const to = net.connect(Number(process.argv[2]), '127.0.0.1');
  from.pipe(to).pipe(from);
  from.on('error', () => to.destroy());
  to.on('error', () => from.destroy());
}).listen(process.argv[1], () => console.log('ready'));`;

async function networkBench(t: Case): Promise<Bench> {
  const lab = await openLab(t, { hosts: 1 });
  const device = await openNetworkPrinter(t, lab.host(1));
  const socket = path.join(temporaryFolder(t), 'relay.sock');
  const relay = await lab.host(1).spawn(process.execPath, ['-e', RELAY, socket, new URL(device.uri).port]);
  await relay.line(/ready/);
  const server = createServer((from) => {
    const to = connect(socket);
    from.pipe(to).pipe(from);
    from.on('error', () => to.destroy());
    to.on('error', () => from.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.defer(() => server.close());
  const uri = `ipp://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(device.uri).pathname}`;
  const printed = async (): Promise<Buffer[]> =>
    Promise.all((await device.printed(0)).map(({ file }) => readFile(file)));
  return { printer: new NetworkPrinter({ uri, user: 'ana', clock, pin }), printed, keepsBytes: true, findsEmpty: true };
}

const BENCHES: Record<string, { open: (t: Case) => Promise<Bench>; needs?: () => string | null }> = {
  'the tray': { open: trayBench },
  'a fake CUPS': { open: (t) => fakeBench(t, { kind: 'cups' }) },
  'a fake device': { open: (t) => fakeBench(t, { kind: 'device' }) },
  'a fake device that knows Print-Job only': { open: (t) => fakeBench(t, { kind: 'simple' }) },
  CUPS: { open: cupsBench, needs: needCups },
  ippeveprinter: { open: networkBench, needs: needNetworkPrinter },
};

/** All steps of a job; the state after them. */
async function print(printer: SystemPrinter, order: PrintOrder, signal: AbortSignal): Promise<string> {
  const ref = await printer.send(await printer.create(order, signal), order, signal);
  const released = await printer.release(ref, order, signal);
  if (released?.state === 'completed') return released.state;
  return until(
    'the job is over',
    async () => {
      const found = await printer.find(ref, order, signal);
      return found !== null && /completed|canceled|aborted/.test(found.state) ? found.state : null;
    },
    20_000,
  );
}

for (const [name, { open, needs }] of Object.entries(BENCHES)) {
  const options = { limitMs: 60_000, ...(needs === undefined ? {} : { needs }) };
  spec(`a print system: ${name}`, (it) => {
    it(
      'says what it is and takes PDF',
      async (t) => {
        const { printer } = await open(t);
        const facts = await printer.facts(t.signal);
        assert.is(facts.state, 'idle');
        assert.ok(facts.accepting);
        assert.ok(facts.formats.includes('application/pdf'));
        assert.not(/["*\n]/.test(`${facts.info}${facts.location}`));
        assert.ok(facts.media.every((media) => /^[a-z]+_[a-z0-9.-]+_[0-9.]+x[0-9.]+(mm|in)$/.test(media)));
      },
      options,
    );

    it(
      'prints a job once, and ends it as completed',
      async (t) => {
        const { printer, printed, keepsBytes } = await open(t);
        assert.is(await print(printer, await orderOf(t), t.signal), 'completed');
        const out = await until('it is out', async () => ((await printed()).length > 0 ? printed() : null));
        assert.is(out.length, 1);
        if (keepsBytes) assert.ok(out[0]?.equals(DOCUMENT));
      },
      options,
    );

    it(
      'finds a job by its token alone, and no other job',
      async (t) => {
        const { printer, findsEmpty } = await open(t);
        const [order, other] = [await orderOf(t), await orderOf(t)];
        const ref = await printer.create(order, t.signal);
        const found = await printer.find(null, order, t.signal);
        assert.is(found !== null, findsEmpty);
        assert.is(found?.ref ?? null, ref);
        if (found !== null) assert.is(found.documents ?? 0, 0);
        assert.is(await printer.find(null, other, t.signal), null);
        if (ref !== null) assert.is(await printer.find(ref, other, t.signal), null);
      },
      options,
    );

    it(
      'prints nothing before the release, where it holds jobs, and nothing that was cancelled',
      async (t) => {
        const { printer, printed } = await open(t);
        if (!printer.holds) return;
        const order = await orderOf(t);
        const ref = await printer.send(await printer.create(order, t.signal), order, t.signal);
        const held = await printer.find(ref, order, t.signal);
        assert.is(held?.state, 'held');
        assert.is(held?.documents, 1);
        assert.equal(await printed(), []);
        await printer.cancel(ref, order, t.signal);
        await printer.cancel(ref, order, t.signal);
        assert.is(await print(printer, await orderOf(t), t.signal), 'completed');
        assert.is((await until('it is out', async () => ((await printed()).length > 0 ? printed() : null))).length, 1);
      },
      options,
    );
  });
}
