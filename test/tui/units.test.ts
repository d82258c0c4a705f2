/** Sizes, times and counts as people read them. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ago, bytes, clock, countOf, day, duration, percent, rate } from '../../tui/units.js';
import { spec } from '../support/spec.js';

process.env['TZ'] = 'UTC';

const NOW = Date.UTC(2026, 4, 14, 10, 0);

spec('units', (it) => {
  for (const [count, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9950, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [8.4e9, '8.4 GB'],
    [1.2e12, '1.2 TB'],
    [5e18, '5000 PB'],
  ] as const) {
    it(`says ${count} bytes as ${text}`, () => assert.is(bytes(count), text));
  }

  for (const [seconds, text] of [
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [3599, '1 h'],
    [4800, '1 h 20'],
    [36_000, '10 h'],
    [172_800, '2 days'],
    [-5, '0 s'],
  ] as const) {
    it(`says ${seconds} seconds as ${text}`, () => assert.is(duration(seconds), text));
  }

  it('says how long ago, and nothing of what is no time', () => {
    assert.is(ago('2026-05-14T09:59:55Z', NOW), 'just now');
    assert.is(ago('2026-05-14T08:00:00Z', NOW), '2 h ago');
    assert.is(ago('2026-05-14T10:00:09Z', NOW), 'just now');
    assert.is(ago('yesterday', NOW), '–');
  });

  it('says when: the hour today, the day this year, else the month', () => {
    assert.is(day('2026-05-14T08:05:00Z', NOW), '08:05');
    assert.is(day('2026-02-03T08:05:00Z', NOW), '3 Feb');
    assert.is(day('2024-12-31T08:05:00Z', NOW), 'Dec 2024');
    assert.is(day('', NOW), '–');
    assert.is(clock('nonsense'), '–');
  });

  it('never says 100 % before all is there', () => {
    assert.is(percent(999, 1000), '99 %');
    assert.is(percent(1000, 1000), '100 %');
    assert.is(percent(2000, 1000), '100 %');
    assert.is(percent(0, 0), '0 %');
  });

  it('counts one and many', () => {
    assert.is(countOf(1, 'file'), '1 file');
    assert.is(countOf(1118, 'file'), '1,118 files');
    assert.is(countOf(2, 'entry', 'entries'), '2 entries');
  });

  it('keeps every size within its columns', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (count) => {
        assert.ok(bytes(count).length <= 6, bytes(count));
        assert.ok(rate(count).length <= 8);
      }),
    );
  });
});
