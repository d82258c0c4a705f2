/**
 * Aligned columns for a terminal or a pipe. What others named is made harmless here, so that no command can
 * forget it.
 */
import { safe } from '../../protocol/text.js';

/** By meaning, not by hue. */
export type Style = 'good' | 'bad' | 'faint' | 'strong';

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface Column {
  readonly head: string;
  readonly right?: boolean;
}

export type Paint = (text: string, style: Style | undefined) => string;

const GAP = '  ';

/** Lines without their final newline. */
export async function table(
  columns: readonly Column[],
  rows: readonly (readonly (string | Cell)[])[],
  paint: Paint,
): Promise<string> {
  const heads = columns.map(({ head }): Cell => ({ text: head, style: 'faint' }));
  const lines = [heads, ...rows.map((row) => row.map(cellOf))];
  const width = await measure(lines.flatMap((line) => line.map(({ text }) => text)));
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index]?.text ?? ''))));
  return lines.map((line) => alignLine(line, columns, widths, width, paint)).join('\n');
}

function alignLine(
  line: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
  width: (text: string) => number,
  paint: Paint,
): string {
  const cells = columns.map(({ right }, index) => {
    const { text, style } = line[index] ?? { text: '' };
    const padding = ' '.repeat((widths[index] ?? 0) - width(text));
    const painted = paint(text, style);
    if (right === true) return padding + painted;
    return index === columns.length - 1 ? painted : painted + padding;
  });
  return cells.join(GAP).trimEnd();
}

function cellOf(cell: string | Cell): Cell {
  return typeof cell === 'string' ? { text: safe(cell) } : { ...cell, text: safe(cell.text) };
}

/**
 * How many columns a text takes. For plain letters that is their count; the tables for everything else cost
 * half of a verb's start-up, so they are loaded only where they are needed.
 */
async function measure(texts: readonly string[]): Promise<(text: string) => number> {
  if (texts.every((text) => /^[ -~·–…]*$/.test(text))) return (text) => text.length;
  return (await import('string-width')).default;
}
