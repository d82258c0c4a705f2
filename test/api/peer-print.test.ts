/** The door for coworkers' print jobs: hidden printers are absent ones, and a job is its requester's alone. */
import * as assert from 'uvu/assert';
import { countPrintersFor, mayStillPrint, peerRequests, type PrintDoor } from '../../agent/api/peer-api.js';
import { streamDoor } from '../../agent/api/stream-api.js';
import type { ByteStream } from '../../agent/net/byte-stream.js';
import type { LocalPrinter } from '../../agent/printing/local-printers.js';
import type { LocalShares } from '../../agent/shares/local-shares.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId, PrinterId } from '../../protocol/ids.js';
import type { JobReport } from '../../protocol/peer/printing.js';
import { refusal } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

const SELF = '5'.repeat(64) as PeerId;
const ana = 'a'.repeat(64) as PeerId;
const bruno = 'b'.repeat(64) as PeerId;
const PRINTER = '1'.repeat(32) as PrinterId;
const PRIVATE = '2'.repeat(32) as PrinterId;
const ANAS_JOB = '11111111-1111-4111-8111-111111111111' as JobId;
const report: JobReport = {
  job: ANAS_JOB,
  seq: 1,
  state: 'queued',
  reasons: [],
  because: '' as JobReport['because'],
  pages: null,
};

const printer = (id: PrinterId, shared: boolean, only: PeerId[]): LocalPrinter => ({
  id,
  name: 'HP',
  uri: 'cups:HP',
  shared,
  only,
  except: [],
});
const PRINTERS = [printer(PRINTER, true, [ana]), printer(PRIVATE, false, [])];

function open(t: Case) {
  const asked: string[] = [];
  const printing: PrintDoor = {
    printers: {
      shared: async (may) => PRINTERS.filter(may).map(({ id }) => ({ id }) as never),
      byId: (id) => PRINTERS.find((one) => one.id === id) ?? null,
      countShared: (may) => PRINTERS.filter(may).length,
    },
    spooler: {
      jobFacts: (id) => (id === ANAS_JOB ? { requester: ana, printer: PRINTER } : null),
      offer: async (peer, { job }) => {
        asked.push(`offer ${peer[0]} ${job.slice(0, 1)}`);
        if (job === ANAS_JOB && peer !== ana) throw new PotluckError('NOT_ALLOWED', 'this id belongs to another job');
        return { report, have: 0 };
      },
      commit: async () => (asked.push('commit'), report),
      cancel: async () => (asked.push('cancel'), report),
      states: (peer) => (peer === ana ? [report] : []),
    },
    onReport: () => undefined,
    peerChanged: () => undefined,
  };
  const handle = peerRequests({ shares: {} as LocalShares, printing, self: SELF });
  const ask = (peer: PeerId, method: string, body: unknown): Promise<unknown> =>
    handle(peer, method, body, t.signal, () => undefined);
  return { ask, asked, printing };
}

const offer = (job: string, id: PrinterId): object => ({
  job,
  printer: id,
  ticket: { title: 'a', copies: 1 },
  document: { format: 'application/pdf', size: 10, sha256: '0'.repeat(64) },
});
const NEW = '22222222-2222-4222-8222-222222222222';

spec('peer api, printing', (it) => {
  it('lists and counts a printer for whom it is shared, and for nobody else', async (t) => {
    const { ask, printing } = open(t);
    assert.is(((await ask(ana, 'printers.list', {})) as { printers: unknown[] }).printers.length, 1);
    assert.equal(await ask(bruno, 'printers.list', {}), { printers: [] });
    assert.is(countPrintersFor(printing, ana), 1);
    assert.is(countPrintersFor(printing, bruno), 0);
  });

  it('takes a job for a printer that is shared with its requester', async (t) => {
    const { ask, asked } = open(t);
    assert.ok(await ask(ana, 'job.offer', offer(NEW, PRINTER)));
    assert.equal(asked, ['offer a 2']);
  });

  it('answers a printer that is shared with others, or with nobody, like one that does not exist', async (t) => {
    const { ask, asked } = open(t);
    for (const id of [PRINTER, PRIVATE, '0'.repeat(32) as PrinterId]) {
      assert.is(await refusal(() => ask(bruno, 'job.offer', offer(NEW, id))), 'PRINTER_UNKNOWN');
    }
    assert.is(await refusal(() => ask(ana, 'job.offer', offer(NEW, PRIVATE))), 'PRINTER_UNKNOWN');
    assert.equal(asked, []);
  });

  it('answers for a job that was taken, also when its printer is no longer shared with its requester', async (t) => {
    const { ask } = open(t);
    assert.ok(await ask(ana, 'job.offer', offer(ANAS_JOB, PRIVATE)));
  });

  it('lets this PC itself print on every printer of its own', async (t) => {
    const { ask } = open(t);
    assert.ok(await ask(SELF, 'job.offer', offer(NEW, PRIVATE)));
  });

  it('gives a job to nobody but its requester', async (t) => {
    const { ask, asked } = open(t);
    for (const method of ['job.commit', 'job.cancel']) {
      assert.ok(await ask(ana, method, { job: ANAS_JOB }), method);
      assert.is(await refusal(() => ask(bruno, method, { job: ANAS_JOB })), 'JOB_UNKNOWN', method);
      assert.is(await refusal(() => ask(ana, method, { job: NEW })), 'JOB_UNKNOWN', method);
    }
    assert.equal(asked, ['commit', 'cancel']);
    assert.equal(await ask(bruno, 'job.states', { jobs: [ANAS_JOB] }), { reports: [] });
  });

  it('refuses a ticket or a document out of bounds', async (t) => {
    const { ask } = open(t);
    const good = offer(NEW, PRINTER) as { ticket: object; document: object };
    const bad: object[] = [
      { ...good, ticket: { title: 'a', copies: 0 } },
      { ...good, ticket: { title: 'a', copies: 1e6 } },
      { ...good, ticket: { title: 'a', copies: 1, pages: [[0, 1]] } },
      { ...good, ticket: { title: 'a', copies: 1, media: 'x"\n*Evil' } },
      { ...good, ticket: { title: 'x'.repeat(4000), copies: 1 } },
      { ...good, document: { ...good.document, size: 0 } },
      { ...good, document: { ...good.document, format: 'application/octet stream' } },
      { ...good, job: '../../etc' },
    ];
    for (const body of bad) assert.is(await refusal(() => ask(ana, 'job.offer', body)), 'BAD_MESSAGE');
  });

  it('tells who may still print, for jobs that wait', (t) => {
    const may = mayStillPrint(open(t).printing);
    assert.ok(may(ana, PRINTER));
    assert.not(may(bruno, PRINTER));
    assert.not(may(ana, PRIVATE));
    assert.not(may(ana, '0'.repeat(32) as PrinterId));
  });
});

spec('stream api, printing', (it) => {
  it('opens the stream of a job for its requester only', async (t) => {
    const { printing } = open(t);
    const received: number[] = [];
    const serve = streamDoor({
      jobFacts: printing.spooler.jobFacts,
      receive: async (_job, offset) => void received.push(offset),
    });
    let accepted = 0;
    const accept = (): ByteStream => {
      accepted += 1;
      return {} as ByteStream;
    };
    await serve(ana, { kind: 'print.document', job: ANAS_JOB, offset: 5 }, accept);
    assert.is(
      await refusal(() => serve(bruno, { kind: 'print.document', job: ANAS_JOB, offset: 0 }, accept)),
      'JOB_UNKNOWN',
    );
    assert.equal(received, [5]);
    assert.is(accepted, 1);
  });
});
