/**
 * A terminal in memory: takes what a program writes and keeps the grid of cells that a person would see.
 *
 * It knows what the UI has a reason to send and refuses the rest, so that a sequence that clears the
 * scrollback, an OSC other than the title, a line that runs over the edge or a frame that scrolls is a
 * failure where it happens.
 */
import { Writable } from 'node:stream';
import stringWidth from 'string-width';

export interface CellStyle {
  /** 30–37 and 90–97; null is the terminal's own colour. */
  readonly color: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
}

export interface Cell {
  /** Empty for the second column of a wide character. */
  readonly text: string;
  readonly style: CellStyle;
}

const PLAIN: CellStyle = { color: null, bold: false, dim: false, inverse: false };
const BLANK: Cell = { text: ' ', style: PLAIN };
const ESC = '\u{1B}';
const BEL = '\u{7}';
/** A control sequence, a command (OSC), a line break, a run of text, or an ESC that begins none of them. */
const TOKEN = new RegExp(
  [
    `${ESC}\\[([?>]?[\\d;]*)([A-Za-z])`,
    `${ESC}\\](\\d+);([^${BEL}${ESC}]*)${BEL}`,
    '[\\r\\n]',
    `[^${ESC}\\r\\n]+`,
    ESC,
  ].join('|'),
  'gu',
);
const HIDDEN = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export class VirtualTerminal extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  title = '';
  isAlternate = false;
  isCursorShown = true;
  /** How often something was written; Ink also writes nothing, to learn when it was written. */
  writes = 0;
  /** The first thing that was refused; what is written after it is not looked at. */
  failure: Error | null = null;
  /** Every colour that was ever written. */
  readonly colors = new Set<number>();
  #grid: Cell[][];
  #x = 0;
  #y = 0;
  #style = PLAIN;

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
    this.#grid = this.#blankGrid();
  }

  override _write(data: string | Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (data.length > 0) this.writes += 1;
    try {
      if (this.failure === null) this.#take(data.toString());
    } catch (thrown) {
      this.failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    done();
  }

  /** What a window manager does: the picture stays where it was as far as it fits. */
  resize(columns: number, rows: number): void {
    const before = this.#grid;
    this.columns = columns;
    this.rows = rows;
    this.#grid = this.#blankGrid();
    const top = Math.max(0, this.#y - rows + 1);
    for (const [y, row] of this.#grid.entries()) {
      for (const x of row.keys()) row[x] = before[y + top]?.[x] ?? BLANK;
    }
    this.#y -= top;
    this.#x = Math.min(this.#x, columns - 1);
    this.emit('resize');
  }

  get cells(): readonly (readonly Cell[])[] {
    return this.#grid;
  }

  /** The picture without styles, without spaces at the ends of lines. */
  get lines(): readonly string[] {
    return this.#grid.map((row) =>
      row
        .map((cell) => cell.text)
        .join('')
        .trimEnd(),
    );
  }

  /** The picture with styles, in one fixed spelling. */
  get styledLines(): readonly string[] {
    return this.#grid.map((row) => {
      let line = '';
      let style = PLAIN;
      for (const cell of withoutTail(row)) {
        if (!isSame(cell.style, style)) line += sgrOf(cell.style);
        style = cell.style;
        line += cell.text;
      }
      return isSame(style, PLAIN) ? line : `${line}${ESC}[0m`;
    });
  }

  #take(text: string): void {
    for (const match of text.matchAll(TOKEN)) {
      const [whole, parameters, final, oscNumber, oscText] = match;
      if (final !== undefined) this.#control(parameters ?? '', final, whole);
      else if (oscNumber !== undefined) this.#command(oscNumber, oscText ?? '', whole);
      else if (whole === '\r') this.#x = 0;
      else if (whole === '\n') this.#newLine();
      else if (whole === ESC)
        throw new Error(`an unfinished sequence in ${JSON.stringify(text.slice(match.index, match.index + 20))}`);
      else for (const { segment } of graphemes.segment(whole)) this.#put(segment);
    }
  }

  #control(parameters: string, final: string, whole: string): void {
    const first = Number(parameters.split(';')[0] || 1);
    switch (final) {
      case 'A':
        this.#y = Math.max(0, this.#y - first);
        return;
      case 'B':
        this.#y = Math.min(this.rows - 1, this.#y + first);
        return;
      case 'C':
        this.#x = Math.min(this.columns - 1, this.#x + first);
        return;
      case 'E':
        this.#y = Math.min(this.rows - 1, this.#y + first);
        this.#x = 0;
        return;
      case 'G':
        this.#x = first - 1;
        return;
      case 'H':
        this.#y = first - 1;
        this.#x = Number(parameters.split(';')[1] || 1) - 1;
        return;
      case 'J':
        this.#erase(parameters, whole);
        return;
      case 'K':
        this.#eraseLine(parameters);
        return;
      case 'm':
        this.#style = styleAfter(this.#style, parameters);
        if (this.#style.color !== null) this.colors.add(this.#style.color);
        return;
      case 'h':
      case 'l':
        this.#mode(parameters, final === 'h', whole);
        return;
      case 't':
        if (parameters === '22;2' || parameters === '23;2') return;
        throw new Error(`refused: ${JSON.stringify(whole)}`);
      default:
        throw new Error(`refused: ${JSON.stringify(whole)}`);
    }
  }

  #command(number: string, text: string, whole: string): void {
    if (number !== '2') throw new Error(`refused: ${JSON.stringify(whole)}`);
    this.title = text;
  }

  #mode(parameters: string, isOn: boolean, whole: string): void {
    if (parameters === '?1049') {
      this.isAlternate = isOn;
      this.#grid = this.#blankGrid();
      this.#x = 0;
      this.#y = 0;
    } else if (parameters === '?25') this.isCursorShown = isOn;
    else if (parameters !== '?2026' && parameters !== '?2004') throw new Error(`refused: ${JSON.stringify(whole)}`);
  }

  #erase(parameters: string, whole: string): void {
    if (parameters !== '' && parameters !== '0') throw new Error(`refused: ${JSON.stringify(whole)}`);
    this.#eraseLine('');
    for (let y = this.#y + 1; y < this.rows; y++) this.#grid[y] = this.#blankRow();
  }

  #eraseLine(parameters: string): void {
    const row = this.#grid[this.#y] ?? [];
    const from = parameters === '2' || parameters === '1' ? 0 : this.#x;
    const end = parameters === '1' ? this.#x + 1 : row.length;
    for (let x = from; x < end; x++) row[x] = BLANK;
  }

  #newLine(): void {
    this.#x = 0;
    this.#y += 1;
    if (this.#y >= this.rows) throw new Error('the picture scrolled');
  }

  #put(text: string): void {
    const width = stringWidth(text);
    if (HIDDEN.test(text)) throw new Error(`a hidden character reached the terminal: ${JSON.stringify(text)}`);
    if (width === 0) return;
    if (this.#x + width > this.columns) throw new Error(`line ${this.#y} runs over the edge`);
    const row = this.#grid[this.#y];
    if (row === undefined) throw new Error('written outside of the screen');
    row[this.#x] = { text, style: this.#style };
    if (width === 2) row[this.#x + 1] = { text: '', style: this.#style };
    this.#x += width;
  }

  #blankRow(): Cell[] {
    return Array.from({ length: this.columns }, () => BLANK);
  }

  #blankGrid(): Cell[][] {
    return Array.from({ length: this.rows }, () => this.#blankRow());
  }
}

function styleAfter(style: CellStyle, parameters: string): CellStyle {
  let next = style;
  for (const part of parameters.split(';')) {
    const code = Number(part || 0);
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 7) next = { ...next, inverse: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 27) next = { ...next, inverse: false };
    else if (code === 39) next = { ...next, color: null };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) next = { ...next, color: code };
    else throw new Error(`refused: SGR ${parameters}`);
  }
  return next;
}

function sgrOf(style: CellStyle): string {
  const codes = [0, ...(style.bold ? [1] : []), ...(style.dim ? [2] : []), ...(style.inverse ? [7] : [])];
  return `${ESC}[${[...codes, ...(style.color === null ? [] : [style.color])].join(';')}m`;
}

function isSame(one: CellStyle, other: CellStyle): boolean {
  return one.color === other.color && one.bold === other.bold && one.dim === other.dim && one.inverse === other.inverse;
}

/** The row without the blank cells at its end. */
function withoutTail(row: readonly Cell[]): readonly Cell[] {
  const last = row.findLastIndex((cell) => cell.text !== ' ' || cell.style.inverse);
  return row.slice(0, last + 1);
}
