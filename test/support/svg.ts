/** A picture of a terminal as an SVG: a fixed grid on a dark background, in the 16 usual colours. */
import stringWidth from 'string-width';
import type { Cell, CellStyle } from './virtual-terminal.js';

/** What the usual fonts of terminals advance at the size below. */
const CELL_WIDTH = 8.43;
const CELL_HEIGHT = 18;
const MARGIN = 14;
const BAR_HEIGHT = 30;
const FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
const BACKGROUND = '#161a20';
const FOREGROUND = '#d7dce3';
const DIM = '#7d8794';

const COLORS: Readonly<Record<number, string>> = {
  30: '#3b4252',
  31: '#f07178',
  32: '#a5d6a7',
  33: '#ffcb6b',
  34: '#82aaff',
  35: '#c792ea',
  36: '#7fdbe6',
  37: '#d7dce3',
  90: '#5c6773',
  91: '#ff8b92',
  92: '#ddffa7',
  93: '#ffe585',
  94: '#9cc4ff',
  95: '#e1acff',
  96: '#a3f7ff',
  97: '#ffffff',
};

/** @param title  stands in the bar of the window */
export function terminalSvg(cells: readonly (readonly Cell[])[], title: string): string {
  const columns = cells[0]?.length ?? 0;
  const width = round(columns * CELL_WIDTH + MARGIN * 2);
  const height = round(cells.length * CELL_HEIGHT + MARGIN * 2 + BAR_HEIGHT);
  const dots = ['#f07178', '#ffcb6b', '#a5d6a7'].map(
    (color, index) => `<circle cx="${MARGIN + 6 + index * 18}" cy="${BAR_HEIGHT / 2 + 2}" r="5.5" fill="${color}"/>`,
  );
  const rows = cells.flatMap((row, y) => runsOf(row).flatMap((run) => drawRun(run, y)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    `  font-family="${FONT}" font-size="14">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    ...dots,
    `<text x="${width / 2}" y="${BAR_HEIGHT / 2 + 7}" text-anchor="middle" fill="${DIM}">${escaped(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

interface Run {
  readonly x: number;
  readonly columns: number;
  readonly text: string;
  readonly style: CellStyle;
}

/** Neighbouring cells of one style. */
function runsOf(row: readonly Cell[]): readonly Run[] {
  const runs: Run[] = [];
  for (const [x, { text, style }] of row.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && JSON.stringify(last.style) === JSON.stringify(style)) {
      runs[runs.length - 1] = { ...last, columns: last.columns + 1, text: last.text + text };
    } else runs.push({ x, columns: 1, text, style });
  }
  return runs;
}

function drawRun({ x, columns, text, style }: Run, y: number): readonly string[] {
  if (text.trim() === '' && !style.inverse) return [];
  const left = round(MARGIN + x * CELL_WIDTH);
  const top = round(BAR_HEIGHT + MARGIN + y * CELL_HEIGHT);
  const own = style.color === null ? (style.dim ? DIM : FOREGROUND) : (COLORS[style.color] ?? FOREGROUND);
  const box = style.inverse
    ? [`<rect x="${left}" y="${top}" width="${round(columns * CELL_WIDTH)}" height="${CELL_HEIGHT}" fill="${own}"/>`]
    : [];
  const length = round(Math.max(1, stringWidth(text)) * CELL_WIDTH);
  const attributes = [
    `x="${left}" y="${round(top + CELL_HEIGHT * 0.74)}" fill="${style.inverse ? BACKGROUND : own}"`,
    `textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"`,
    ...(style.bold ? ['font-weight="bold"'] : []),
  ];
  return [...box, `<text ${attributes.join(' ')}>${escaped(text)}</text>`];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
