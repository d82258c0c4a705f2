/**
 * Killed at every write, before and after it is on the disk, on either side, with every kind of printer: the job
 * is printed once, or not at all where that is not known, and never twice.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { isFinal } from '../../agent/core/print-job.js';
import { samplePdf } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { FakePrinter } from './fake-printer.js';
import { openSides, type Side } from './two-sides.js';

const DOCUMENT = samplePdf(1);
/** More writes than one job makes on either side. */
const WRITES_MAX_COUNT = 40;

interface Bench {
  readonly ana: Side;
  readonly bruno: Side;
  /** How the printer is called by Ana. */
  readonly name: string;
  readonly printed: () => Promise<Buffer[]>;
}

async function openTray(t: Case): Promise<Bench> {
  const { ana, bruno } = await openSides(t);
  await bruno.printing.printers.share('tray', [], t.signal);
  const printed = async (): Promise<Buffer[]> => {
    const names = (await readdir(bruno.tray)).filter((name) => !name.startsWith('.'));
    return Promise.all(names.map((name) => readFile(path.join(bruno.tray, name))));
  };
  return { ana, bruno, name: 'bruno/Tray', printed };
}

async function openFake(t: Case, kind: 'cups' | 'device' | 'simple'): Promise<Bench> {
  const fake = await FakePrinter.open(t, { kind });
  const { ana, bruno } = await openSides(t, { env: { CUPS_SERVER: fake.server } });
  const { printers } = bruno.printing;
  if (kind !== 'cups') await printers.add(fake.uri, 'fake', t.signal);
  await printers.share('fake', [], t.signal);
  return { ana, bruno, name: 'bruno/fake', printed: async () => fake.printed.map(({ bytes }) => bytes) };
}

interface Kind {
  readonly open: (t: Case) => Promise<Bench>;
  /** How often it cannot be known whether the owner's crash came before the printing or after it. */
  readonly uncertainAtOwner: number;
}

const KINDS: Record<string, Kind> = {
  'a tray': { open: openTray, uncertainAtOwner: 0 },
  CUPS: { open: (t) => openFake(t, 'cups'), uncertainAtOwner: 0 },
  'a device': { open: (t) => openFake(t, 'device'), uncertainAtOwner: 0 },
  // It makes the job and prints it in one step: written down, but not found, it was either never sent or is forgotten.
  'a device that knows Print-Job only': { open: (t) => openFake(t, 'simple'), uncertainAtOwner: 1 },
};

/** Prints with one side dying at its nth write. @returns whether it died */
async function printAndDie(
  t: Case,
  open: (t: Case) => Promise<Bench>,
  who: 'ana' | 'bruno',
  nth: number,
  before: boolean,
) {
  const bench = await open(t);
  const { ana, bruno, name, printed } = bench;
  const victim = bench[who];
  const file = path.join(temporaryFolder(t), 'letter.pdf');
  await writeFile(file, DOCUMENT);
  victim.killAt(nth, before);
  const request = { file, printer: name, copies: 1 };
  const asked = ana.printing.print(request, t.signal).then(
    ({ id }) => id,
    () => null,
  );
  let id = await asked;
  const over = async (): Promise<void> => {
    if (id !== null) await ana.job(id, ({ state }) => isFinal(state));
  };
  await Promise.race([victim.died.promise, over()]);
  const hasDied = victim.isDead;
  if (hasDied) {
    await victim.stop();
    await victim.start();
    ana.join();
  }
  // Killed before it was answered, Ana's user asks again, if there is no such job.
  if (id === null) id = ana.printing.jobRows(true)[0]?.id ?? (await ana.printing.print(request, t.signal)).id;
  const atAna = await ana.job(id, ({ state }) => isFinal(state));
  const atBruno = await bruno.job(id, ({ state }) => isFinal(state));
  assert.is(atAna.state, atBruno.state);
  const out = await printed();
  const told = `${who} died ${before ? 'before' : 'after'} write ${nth}: ${atAna.state} (${atAna.because}), ${out.length} printed`;
  if (atAna.state === 'uncertain') assert.ok(out.length <= 1, told);
  else assert.is(atAna.state, 'completed', told);
  if (atAna.state === 'completed') assert.is(out.length, 1, told);
  for (const bytes of out) assert.ok(bytes.equals(DOCUMENT), told);
  await ana.stop();
  await bruno.stop();
  return { hasDied, state: atAna.state };
}

spec('a print with one side killed', (it) => {
  for (const [what, { open, uncertainAtOwner }] of Object.entries(KINDS)) {
    for (const who of ['bruno', 'ana'] as const) {
      for (const before of [false, true]) {
        it(
          `at every write of ${who === 'ana' ? 'the requester' : 'the owner'}, ${before ? 'before' : 'after'} it: once on ${what}`,
          async (t) => {
            let uncertain = 0;
            for (let nth = 1; nth <= WRITES_MAX_COUNT; nth++) {
              const { hasDied, state } = await printAndDie(t, open, who, nth, before);
              if (state === 'uncertain') uncertain += 1;
              if (!hasDied) {
                assert.ok(nth > 3, `only ${nth - 1} writes`);
                assert.ok(uncertain <= (who === 'bruno' ? uncertainAtOwner : 0), `${uncertain} times uncertain`);
                return;
              }
            }
            throw new Error('there was no end of writes');
          },
          { limitMs: 120_000 },
        );
      }
    }
  }
});
