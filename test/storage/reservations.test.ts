/** Promised space: never more than there is, however many ask at once. */
import path from 'node:path';
import * as assert from 'uvu/assert';
import { Reservations } from '../../agent/storage/reservations.js';
import type { PotluckError } from '../../protocol/errors.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

/** A disk with so much free. */
const disk = (free: number) => ({ floorBytes: 100, spaceOf: async () => ({ free, total: 10_000 }) });

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'granted',
    (thrown: PotluckError) => `${thrown.code}: ${thrown.message}`,
  );
}

spec('reservations', (it) => {
  it('leave a floor free', async (t) => {
    const folder = temporaryFolder(t);
    const reservations = new Reservations(disk(1100));
    assert.is(
      await refusal(reservations.reserve(folder, 2500, t.signal)),
      'NO_SPACE: the disk has too little space: 1.5 kB more are needed',
    );
    const granted = await reservations.reserve(folder, 1000, t.signal);
    assert.is(granted.left, 1000);
    assert.match(await refusal(reservations.reserve(folder, 1, t.signal)), /NO_SPACE/);
  });

  it('never promise more than there is, fifty at once', async (t) => {
    const folder = temporaryFolder(t);
    const reservations = new Reservations(disk(1100));
    const asked = Array.from({ length: 50 }, () => refusal(reservations.reserve(folder, 150, t.signal)));
    const granted = (await Promise.all(asked)).filter((answer) => answer === 'granted');
    assert.is(granted.length, 6);
  });

  it('give back what was used or is not needed any more, once', async (t) => {
    const folder = temporaryFolder(t);
    const reservations = new Reservations(disk(1100));
    const first = await reservations.reserve(folder, 1000, t.signal);
    first.use(600);
    first.use(10_000);
    assert.is(first.left, 0);
    first.release();
    const second = await reservations.reserve(folder, 1000, t.signal);
    second.release();
    second.release();
    assert.is(await refusal(reservations.reserve(folder, 1000, t.signal)), 'granted');
    assert.match(await refusal(reservations.reserve(folder, 1, t.signal)), /NO_SPACE/);
  });

  it('take the folder that is still to be made for the disk it will be on, and a silent disk as it is', async (t) => {
    const folder = temporaryFolder(t);
    const reservations = new Reservations(disk(1100));
    await reservations.reserve(folder, 1000, t.signal);
    assert.match(await refusal(reservations.reserve(path.join(folder, 'a/b'), 1, t.signal)), /NO_SPACE/);
    const silent = new Reservations({ floorBytes: 100, spaceOf: async () => null });
    assert.is(await refusal(silent.reserve(folder, 1e15, t.signal)), 'granted');
  });

  it('promise nothing for nothing, on a full disk too', async (t) => {
    const reservations = new Reservations(disk(0));
    assert.is(await refusal(reservations.reserve(temporaryFolder(t), 0, t.signal)), 'granted');
  });
});
