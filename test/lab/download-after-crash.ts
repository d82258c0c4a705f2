/**
 * A download whose sender, or receiver, is killed on the way, with two witnesses of what was fetched twice:
 * the transfer's own count, and the bytes that the kernel saw on the wire.
 *
 * Headers and records weigh something on the wire as well. How much, an undisturbed download of the same
 * file tells first, so that only the difference counts.
 */
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { TransferRow } from '../../protocol/local/model.js';
import { until } from '../support/process.js';
import { fileDigest, treeDigest, writeBigFile } from '../support/samples.js';
import type { Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { online, openOffice, type Desk, type Office } from './office.js';

const FILE = 'big.bin';
const SPEED = '400mbit';

export interface Crash {
  readonly killed: 'sender' | 'receiver';
  readonly sizeBytes: number;
  /** What may be fetched twice, as a part of what the receiver had when the crash came. */
  readonly againMax: number;
}

export async function downloadAfterCrash(t: Case, crash: Crash): Promise<void> {
  const office = await openOffice(t, { rate: SPEED });
  const { ana, bruno } = office;
  const shared = temporaryFolder(t);
  const digest = await writeBigFile(path.join(shared, FILE), crash.sizeBytes);
  await bruno.agent.ask('share', 'add', shared, '--name', 'Docs');

  const plainTarget = temporaryFolder(t);
  const plainBytes = await received(ana, async () => {
    await ana.agent.ask('get', `bruno/Docs/${FILE}`, '--to', plainTarget);
  });

  const target = temporaryFolder(t);
  let hadBytes = 0;
  const bytes = await received(ana, async () => {
    hadBytes = await crashOnTheWay(office, target, crash);
  });
  assert.is(await fileDigest(path.join(target, FILE)), digest);
  assert.equal(await treeDigest(target), [`${FILE}  ${digest}`], 'nothing half-written is left');

  const allowed = hadBytes * crash.againMax;
  const onTheWire = bytes - plainBytes;
  assert.ok(onTheWire < allowed, `${onTheWire} bytes more on the wire, of ${hadBytes} that it had`);
  const row = (await rows(ana)).find(({ to }) => to.startsWith(target));
  const fetched = (row?.sources ?? []).reduce((sum, source) => sum + source.bytes, 0);
  assert.ok(fetched - crash.sizeBytes < allowed, `${fetched} bytes fetched of ${crash.sizeBytes}`);
}

/** Kills at 30 %, starts again, and resolves with what was there at the kill when the download has ended right. */
async function crashOnTheWay({ ana, bruno }: Office, target: string, crash: Crash): Promise<number> {
  const get = await ana.agent.follow('get', `bruno/Docs/${FILE}`, '--to', target, '--json');
  const own = async (): Promise<TransferRow | undefined> => (await rows(ana)).find(({ to }) => to.startsWith(target));
  const isFar = (row: TransferRow | undefined): row is TransferRow => (row?.bytes ?? 0) >= crash.sizeBytes * 0.3;
  const atKill = await until(
    '30 % are there',
    async () => await own().then((row) => (isFar(row) ? row : null)),
    60_000,
  );
  assert.ok(atKill.bytes < crash.sizeBytes * 0.8, `killed on the way, not at ${atKill.bytes}`);

  const victim = crash.killed === 'sender' ? bruno : ana;
  await victim.agent.kill9();
  await victim.agent.start();
  await online(ana.agent, 'bruno', 60_000);
  const done = await until(
    'the download ends',
    async () => await own().then((row) => (row?.state === 'done' || row?.state === 'failed' ? row : null)),
    120_000,
  );
  assert.is(done.state, 'done', done.because);
  if (crash.killed === 'sender') assert.is((await get.ended).code, 0, get.tail());
  return atKill.bytes;
}

function rows(desk: Desk): Promise<TransferRow[]> {
  return desk.agent.ask<TransferRow[]>('transfers');
}

async function received(desk: Desk, work: () => Promise<void>): Promise<number> {
  const before = await desk.host.wire();
  await work();
  return (await desk.host.wire()).received - before.received;
}
