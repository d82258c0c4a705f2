/** When an address is dialled, and which of two crossing links stays. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  type CrossingLink,
  dialDelayMs,
  type DialTarget,
  isDialWorthwhile,
  planDials,
  resolveCrossing,
} from '../../agent/core/dial-policy.js';
import type { PeerId } from '../../protocol/ids.js';
import {
  DIAL_BACKOFF_MAX_MS,
  DIAL_BACKOFF_MIN_MS,
  DIAL_MAX_COUNT,
  DIAL_PER_ADDRESS_INTERVAL_MS,
} from '../../protocol/limits.js';
import { spec } from '../support/spec.js';

const peer = (name: string): PeerId => name as PeerId;
const all = (): boolean => true;
const link = (dialler: string, readyAtMs: number): CrossingLink => ({ dialler: peer(dialler), readyAtMs });
/** Whose link stays at an end that sees `first`, and `gap` milliseconds later `second`. */
const kept = (first: string, second: string, gap: number): string =>
  resolveCrossing(link(first, 0), link(second, gap)) === 'keep-older' ? first : second;

function target(host: string, rest: Partial<DialTarget> = {}): DialTarget {
  return { host, port: 27685, peer: null, isProved: false, isDialling: false, failures: 0, dueAtMs: 0, ...rest };
}

function dialled(targets: readonly DialTarget[], wanted: (id: PeerId) => boolean = all, nowMs = 0): string[] {
  return planDials(targets, wanted, nowMs).now.map((one) => one.host);
}

spec('dial delay', (it) => {
  it('doubles from one second to five minutes for an address that proved itself', () => {
    const middles = [1, 2, 3, 4, 9, 30, 1000].map((failures) => dialDelayMs(failures, true, 0.5));
    assert.equal(middles, [1000, 2000, 4000, 8000, 256_000, DIAL_BACKOFF_MAX_MS, DIAL_BACKOFF_MAX_MS]);
  });

  it('leaves an unproved address alone for five seconds at least', () => {
    assert.is(dialDelayMs(1, false, 0), DIAL_PER_ADDRESS_INTERVAL_MS);
    assert.is(dialDelayMs(4, false, 0.5), 8000);
  });

  it('stays within its bounds whatever chance says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.boolean(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, isProved, random) => {
          const delay = dialDelayMs(failures, isProved, random);
          assert.ok(delay >= (isProved ? DIAL_BACKOFF_MIN_MS : DIAL_PER_ADDRESS_INTERVAL_MS));
          assert.ok(delay <= DIAL_BACKOFF_MAX_MS * 1.25);
        },
      ),
    );
  });
});

spec('dial plan', (it) => {
  it('dials what is due and says when the next one is', () => {
    const plan = planDials([target('a'), target('b', { dueAtMs: 9 }), target('c', { dueAtMs: 7 })], all, 5);
    assert.equal(
      plan.now.map((one) => one.host),
      ['a'],
    );
    assert.is(plan.nextAtMs, 7);
  });

  it('takes fresh addresses first, then proved ones, then the one that waited longest', () => {
    const targets = [
      target('failed', { failures: 2, dueAtMs: 1 }),
      target('late', { dueAtMs: 3 }),
      target('early', { dueAtMs: 2 }),
      target('proved', { dueAtMs: 4, isProved: true }),
    ];
    assert.equal(dialled(targets, all, 10), ['proved', 'early', 'late', 'failed']);
  });

  it('never dials a peer that is not wanted', () => {
    const targets = [target('ana', { peer: peer('ana') }), target('bruno', { peer: peer('bruno') }), target('?')];
    assert.equal(
      dialled(targets, (id) => id !== 'ana'),
      ['bruno', '?'],
    );
    assert.is(planDials([target('ana', { peer: peer('ana'), dueAtMs: 5 })], () => false, 0).nextAtMs, null);
  });

  it('has few dials under way, those before counted', () => {
    const many = Array.from({ length: 20 }, (_, at) => target(`h${at}`));
    assert.is(dialled(many).length, DIAL_MAX_COUNT);
    assert.is(dialled([target('x', { isDialling: true }), ...many]).length, DIAL_MAX_COUNT - 1);
  });

  it('lets one peer with many dead addresses take half of the places', () => {
    const ana = Array.from({ length: 8 }, (_, at) => target(`ana${at}`, { peer: peer('ana') }));
    assert.equal(dialled([...ana, target('bruno', { peer: peer('bruno'), failures: 9 })]), ['ana0', 'ana1', 'bruno']);
  });
});

spec('crossing links', (it) => {
  it('keeps the one whose dialler has the smaller id, in whatever order they come', () => {
    assert.is(resolveCrossing(link('ana', 0), link('bruno', 10)), 'keep-older');
    assert.is(resolveCrossing(link('bruno', 0), link('ana', 10)), 'keep-newer');
  });

  it('replaces a link whose dialler dials again', () => {
    assert.is(resolveCrossing(link('ana', 0), link('ana', 10)), 'replace');
  });

  it('replaces a link that the peer must have lost, since it dials long after', () => {
    assert.is(resolveCrossing(link('ana', 0), link('bruno', 60_000)), 'replace');
  });

  it('makes both ends keep the same one, for any pair and any order', () => {
    const id = fc.constantFrom('ana', 'bruno', 'carla', 'dora');
    fc.assert(
      fc.property(id, id, fc.nat(9000), fc.nat(9000), (one, other, atOne, atOther) => {
        fc.pre(one !== other);
        // One end sees `one` first, the other end sees `other` first.
        assert.is(kept(one, other, atOne), kept(other, one, atOther));
      }),
    );
  });

  it('lets exactly one of two PCs give up a dial that has said nothing yet', () => {
    assert.ok(isDialWorthwhile(peer('ana'), peer('bruno')));
    assert.not(isDialWorthwhile(peer('bruno'), peer('ana')));
  });
});
