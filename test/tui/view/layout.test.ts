/** Where everything stands, as a table of sizes. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { layout, overlay, visibleRange } from '../../../tui/view/layout.js';
import { spec } from '../../support/spec.js';

spec('layout', (it) => {
  for (const [columns, rows, mode, bodyHeight] of [
    [96, 30, 'wide', 23],
    [80, 24, 'wide', 17],
    [60, 20, 'wide', 13],
    [59, 20, 'narrow', 13],
    [40, 12, 'narrow', 5],
    [39, 30, 'tiny', 23],
    [96, 11, 'tiny', 4],
    [1, 1, 'tiny', 0],
  ] as const) {
    it(`is ${mode} at ${columns}x${rows}`, () => {
      const frame = layout(columns, rows);
      assert.is(frame.mode, mode);
      assert.is(frame.body.height, bodyHeight);
      assert.ok(frame.height <= Math.max(1, rows - 1));
    });
  }

  it('keeps every overlay within the frame', () => {
    const size = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(size, size, size, size, (columns, rows, width, height) => {
        const frame = layout(columns, rows);
        const at = overlay(frame, width, height);
        assert.ok(at.x >= 0 && at.x + at.width <= frame.width);
        assert.ok(at.y >= 0 && at.y + at.height <= frame.height);
      }),
    );
  });
});

const range = (count: number, selected: number, height: number): string => {
  const { first, end } = visibleRange(() => 1, count, selected, height);
  return `${first}-${end}`;
};

spec('visible rows', (it) => {
  it('shows all that fit', () => {
    assert.is(range(3, 0, 10), '0-3');
    assert.is(range(0, -1, 10), '0-0');
  });

  it('keeps the selected row in the middle as far as the ends allow', () => {
    assert.is(range(100, 0, 9), '0-9');
    assert.is(range(100, 50, 9), '46-55');
    assert.is(range(100, 99, 9), '91-100');
  });

  it('shows the selected row and no more than fits, whatever the heights', () => {
    const heights = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(heights, fc.nat(), fc.integer({ min: 3, max: 20 }), (all, at, height) => {
        const selected = at % all.length;
        const { first, end } = visibleRange((index) => all[index] ?? 1, all.length, selected, height);
        assert.ok(first <= selected && selected < end);
        const used = all.slice(first, end).reduce((sum, lines) => sum + lines, 0);
        assert.ok(used <= height);
        const next = all[end] ?? Infinity;
        const previous = first > 0 ? (all[first - 1] ?? Infinity) : Infinity;
        assert.ok(used + Math.min(next, previous) > height, 'no room is left for another row');
      }),
    );
  });
});
