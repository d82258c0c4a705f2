/** Columns that give way by their weight, and lines of an exact width. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fitLine, line, lineWidth, span, spread, wrapLine } from '../../../tui/view/line.js';
import { headLine, rowLine, tableOf, type Column } from '../../../tui/view/widgets/table.js';
import { hostileText } from '../../support/hostile-text.js';
import { spec } from '../../support/spec.js';

const column = (title: string, width: number, weight: number): Column<string> => ({
  title,
  width,
  weight,
  grows: title === 'NAME',
  cell: (row) => line(`${title} of ${row}`),
});
const COLUMNS = [column('NAME', 10, 9), column('STATE', 8, 8), column('SIZE', 8, 5), column('AGE', 6, 2)];

const titles = (width: number): string =>
  tableOf(COLUMNS, width)
    .columns.map((entry) => entry.column.title)
    .join(' ');

spec('table', (it) => {
  it('drops whole columns, the lightest first', () => {
    assert.is(titles(41), 'NAME STATE SIZE AGE');
    assert.is(titles(40), 'NAME STATE SIZE');
    assert.is(titles(30), 'NAME STATE');
    assert.is(titles(5), 'NAME');
  });

  it('gives what is left to the column that grows, so that every row is as wide as the table', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 41, max: 120 }), (text, width) => {
        const table = tableOf(COLUMNS, width);
        assert.is(lineWidth(rowLine(table, text, line(' ▸'))), width);
        assert.is(lineWidth(headLine(table)), width);
        assert.is(lineWidth(headLine(table, 'PART', '3 of them')), width);
      }),
    );
  });
});

spec('lines', (it) => {
  const spans = fc.array(
    hostileText.map((text) => span(text)),
    { maxLength: 5 },
  );

  it('are exactly as wide as their place', () => {
    fc.assert(
      fc.property(spans, spans, fc.integer({ min: 1, max: 60 }), (left, right, width) => {
        assert.is(lineWidth(fitLine(left, width)), width);
        assert.is(lineWidth(spread(left, right, width)), width);
      }),
    );
  });

  it('are broken between words, each word in its tone', () => {
    const lines = wrapLine([span('press ', 'plain'), span('i', 'strong'), span(' to invite somebody', 'faint')], 12);
    assert.equal(
      lines.map((parts) => parts.map((part) => part.text).join('')),
      ['press i to', 'invite', 'somebody'],
    );
    assert.is(lines[0]?.find((part) => part.text === 'i')?.tone, 'strong');
  });
});
