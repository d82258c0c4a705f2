/** What covers the screen: one function a dialog, from the state to a box. Pure. */
import { encode } from 'uqr';
import { helpRows, keySign, paletteEntries } from '../../keys/catalogue.js';
import { selfOf } from '../../store/select.js';
import { PRINT_FIELDS, type AppState, type Dialog, type DialogOf } from '../../store/state.js';
import { duration } from '../../units.js';
import { fit, widthOf, wrap } from '../format.js';
import { overlay, visibleRange, type Layout, type Rectangle } from '../layout.js';
import { fitLine, inTone, line, lineWidth, span, spread, type Line } from '../line.js';
import { boxLines } from '../widgets/box.js';
import { fieldLine, labelledField } from '../widgets/text-field.js';

export interface DialogView {
  readonly at: Rectangle;
  readonly lines: readonly Line[];
}

/** The widest a dialog of sentences gets: longer lines are hard to read. */
const TEXT_COLUMNS_MAX = 72;

/**
 * @param isAscii  whether the terminal shows ASCII only, in which no picture can be drawn
 * @returns null for the filter, which is typed in the message line
 */
export function dialogView(state: AppState, dialog: Dialog, frame: Layout, isAscii: boolean): DialogView | null {
  const width = Math.min(TEXT_COLUMNS_MAX, frame.width - 4);
  switch (dialog.type) {
    case 'filter':
      return null;
    case 'help':
      return boxed(frame, 'Keys', width, helpContent(state, dialog, width, frame.height - 4));
    case 'palette':
      return boxed(frame, 'Commands', width, paletteContent(state, dialog, width, frame.height - 4));
    case 'confirm':
      return boxed(frame, dialog.title, width, confirmContent(dialog, width));
    case 'text':
      return textDialog(dialog, frame);
    case 'invite':
      return inviteDialog(state, dialog, frame, isAscii);
    case 'prompt':
      return boxed(frame, dialog.title, width, promptContent(dialog, width));
    case 'print':
      return boxed(frame, 'Print', width, printContent(state, dialog, width));
    default:
      return dialog satisfies never;
  }
}

function boxed(frame: Layout, title: string, width: number, content: readonly Line[]): DialogView {
  const at = overlay(frame, width, content.length);
  return { at, lines: boxLines(title, content, at) };
}

const HELP_KEYS_COLUMNS = 19;
const HELP_KEYS_COLUMNS_NARROW = 9;

function helpContent(state: AppState, dialog: DialogOf<'help'>, width: number, height: number): readonly Line[] {
  const keyColumns = width < 50 ? HELP_KEYS_COLUMNS_NARROW : HELP_KEYS_COLUMNS;
  const rows = helpRows(state, dialog.field.value).map((row): Line => {
    if (row.type === 'title') return line(row.text, 'strong');
    const { binding, reason } = row;
    const keys = `${fit(`  ${binding.keys.map(keySign).join(' ')}`, keyColumns)} `;
    return [span(keys, reason === null ? 'accent' : 'faint'), span(binding.help, reason === null ? 'plain' : 'faint')];
  });
  const found = rows.length === 0 ? [line('No key does that; try : and type what you look for.', 'faint')] : rows;
  const visible = Math.max(1, height - 2);
  const first = Math.max(0, Math.min(dialog.index, found.length - visible));
  const search: Line = [span('type to search: ', 'faint'), ...fieldLine(dialog.field, width - 16, true)];
  const more = found.length > first + visible ? line(`↓ ${found.length - first - visible} more`, 'faint') : line('');
  const shownRows = found.slice(first, first + visible);
  return [search, ...padded(shownRows, Math.min(visible, Math.max(found.length, shownRows.length))), more];
}

function padded(lines: readonly Line[], height: number): readonly Line[] {
  return lines.length >= height ? lines : [...lines, ...Array.from({ length: height - lines.length }, () => line(''))];
}

function paletteContent(state: AppState, dialog: DialogOf<'palette'>, width: number, height: number): readonly Line[] {
  const entries = paletteEntries(state, dialog.field.value);
  const selected = Math.min(dialog.index, entries.length - 1);
  const visible = Math.max(1, height - 2);
  const { first, end } = visibleRange(() => 1, entries.length, selected, visible);
  const rows = entries.slice(first, end).map(({ binding, reason }, offset): Line => {
    const isHere = first + offset === selected;
    const right = span(reason ?? keySign(binding.keys[0] ?? ''), 'faint');
    const left: Line = [span(isHere ? '▸ ' : '  '), span(binding.help, reason === null ? 'plain' : 'faint')];
    const spans = spread(left, [span('  '), right], width);
    return isHere ? inTone(spans, 'cursor') : spans;
  });
  const none = line('No command has these letters in this order.', 'faint');
  return [[span(': ', 'accent'), ...fieldLine(dialog.field, width - 2, true)], ...(rows.length === 0 ? [none] : rows)];
}

function confirmContent(dialog: DialogOf<'confirm'>, width: number): readonly Line[] {
  const ticks = dialog.ticks.map(({ label, isOn }, index): Line => {
    const isHere = index === dialog.index;
    return line(`${isHere ? '▸' : ' '} [${isOn ? 'x' : ' '}] ${label}`, isHere ? 'cursor' : 'plain');
  });
  const choices = dialog.choices.map(({ label }, index): Line => {
    const isHere = index + dialog.ticks.length === dialog.index;
    return [span(isHere ? `▸ ${label} ` : `  ${label} `, isHere ? 'cursor' : 'plain')];
  });
  const inARow = choices.flat();
  const chosen = lineWidth(inARow) <= width ? [inARow] : choices;
  return [
    ...dialog.lines.flatMap((text) => wrap(text, width).map((part) => line(part))),
    ...ticks,
    line(''),
    ...chosen,
  ];
}

function textDialog(dialog: DialogOf<'text'>, frame: Layout): DialogView {
  const width = Math.min(frame.width - 4, Math.max(40, ...dialog.lines.map(widthOf)));
  const all = dialog.lines.flatMap((text) => wrap(text, width)).map((text) => line(text));
  const visible = Math.max(1, frame.height - 4);
  const first = Math.max(0, Math.min(dialog.index, all.length - visible));
  const more =
    all.length > visible ? [line(`${Math.min(all.length, first + visible)} of ${all.length} lines`, 'faint')] : [];
  return boxed(frame, dialog.title, width, [...all.slice(first, first + visible), ...more]);
}

function promptContent(dialog: DialogOf<'prompt'>, width: number): readonly Line[] {
  const label = `${dialog.label}: `;
  return [
    ...dialog.lines.flatMap((text) => wrap(text, width).map((part) => line(part, 'faint'))),
    line(''),
    labelledField(label, widthOf(label), dialog.field, width, !dialog.isBusy),
    ...dialog.suggestions.map((name) => line(`${' '.repeat(widthOf(label))}${name}`, 'faint')),
    line(''),
    ...stateLines(dialog.isBusy, dialog.problem, width),
  ];
}

function stateLines(isBusy: boolean, problem: string | null, width: number): readonly Line[] {
  if (isBusy) return [line('◐ asking the agent…', 'accent')];
  return problem === null ? [] : wrap(problem, width).map((text) => line(text, 'bad'));
}

const SIDES = {
  default: 'as the printer does',
  off: 'one side',
  long: 'both sides',
  short: 'both sides, turned at the short edge',
} as const;
const COLORS = { default: 'as the printer does', color: 'colour', mono: 'black and white' } as const;
const FILE_HINT = 'path of a file of this PC';
const PRINT_LABELS = { file: 'File', printer: 'Printer', copies: 'Copies', sides: 'Sides', color: 'Colour' } as const;

function printContent(state: AppState, dialog: DialogOf<'print'>, width: number): readonly Line[] {
  const { form } = dialog;
  const printer = state.agent.tables.printers.get(form.printer ?? '');
  const values = {
    printer: printer === undefined ? 'none' : `${printer.name} at ${printer.local ? 'this PC' : printer.peerName}`,
    copies: String(form.copies),
    sides: printer?.duplex === true ? SIDES[form.sides] : 'one side: all that this printer can',
    color: printer?.color === true ? COLORS[form.color] : 'black and white: all that this printer can',
  };
  const rows = PRINT_FIELDS.map((name, index): Line => {
    const isHere = index === form.focus && !dialog.isBusy;
    const label = `${isHere ? '▸' : ' '} ${PRINT_LABELS[name].padEnd(9)}`;
    if (name === 'file') {
      if (form.remote === null) {
        return labelledField(`${label}  `, widthOf(label) + 2, form.file, width, isHere, FILE_HINT);
      }
      return [span(label, isHere ? 'accent' : 'plain'), span(`  ${form.file.value} (fetched first)`)];
    }
    return [span(label, isHere ? 'accent' : 'plain'), span(isHere ? `← ${values[name]} →` : `  ${values[name]}`)];
  });
  const waits = printer !== undefined && printer.state !== 'idle' && printer.state !== 'printing';
  return [
    ...rows.slice(0, 1),
    ...dialog.suggestions.map((name) => line(`${' '.repeat(13)}${name}`, 'faint')),
    ...rows.slice(1),
    line(''),
    ...(waits ? [line(`${printer.because || printer.state}: the job waits and goes on by itself`, 'warn')] : []),
    ...stateLines(dialog.isBusy, dialog.problem, width),
  ];
}

const HOW_TO_JOIN = 'On the other PC start Potluck, choose “Join coworkers” and type:';

/** Big enough to be read aloud across a room; beside it, where there is room, for a camera. */
function inviteDialog(state: AppState, dialog: DialogOf<'invite'>, frame: Layout, isAscii: boolean): DialogView {
  const self = selfOf(state);
  const left = Math.floor((Date.parse(dialog.expiresAt) - state.ui.now) / 1000);
  const isOpen = left > 0 && self?.inviteUntil !== null;
  const textWidth = Math.min(58, frame.width - 4);
  const command = `potluck workgroup join ${dialog.code}`;
  const spaced = Array.from(dialog.code).join(' ');
  const big = widthOf(spaced) + 4 <= textWidth ? spaced : dialog.code;
  const text: readonly Line[] = [
    ...wrap(HOW_TO_JOIN, textWidth).map((part) => line(part)),
    line(''),
    [span(` ${big} `, isOpen ? 'cursor' : 'faint')],
    line(''),
    ...wrap(
      isOpen ? `Valid for ${duration(left)}, for one PC.` : 'This code was used or has ended; i makes another.',
      textWidth,
    ).map((part) => line(part, isOpen ? 'plain' : 'warn')),
    line(''),
    line('or on its command line:', 'faint'),
    ...wrap(command, textWidth).map((part) => line(part)),
    line(''),
    ...wrap(
      'Whoever has the code gets in: tell it only to the one you invite. It stays valid when you close this.',
      textWidth,
    ).map((part) => line(part, 'faint')),
  ];
  const picture = isOpen && !isAscii ? qrLines(dialog.link) : [];
  const pictureWidth = lineWidth(picture[0] ?? []);
  const isRoom = picture.length <= frame.height - 2 && textWidth + pictureWidth + 2 + 4 <= frame.width;
  if (!isRoom || picture.length === 0)
    return boxed(frame, 'Invite a coworker', textWidth, tight(text, frame.height - 2));
  const rows = Math.max(text.length, picture.length);
  const beside = Array.from({ length: rows }, (_, row): Line => [
    ...fitLine(text[row] ?? [], textWidth + 2),
    ...(picture[row] ?? []),
  ]);
  return boxed(frame, 'Invite a coworker', textWidth + 2 + pictureWidth, beside);
}

/** Without its empty lines where there is no room for them. */
function tight(lines: readonly Line[], height: number): readonly Line[] {
  return lines.length <= height ? lines : lines.filter((spans) => lineWidth(spans) > 0);
}

/** Two rows of the code in one line: its light squares in the colour of text, on the terminal's background. */
function qrLines(link: string): readonly Line[] {
  const { data, size } = encode(link, { ecc: 'L', border: 1 });
  const isLight = (x: number, y: number): boolean => y >= size || data[y]?.[x] !== true;
  return Array.from({ length: Math.ceil(size / 2) }, (_, row) => {
    const squares = Array.from({ length: size }, (_column, x) => {
      const top = isLight(x, row * 2);
      const bottom = isLight(x, row * 2 + 1);
      if (top && bottom) return '█';
      if (top) return '▀';
      return bottom ? '▄' : ' ';
    });
    return line(squares.join(''));
  });
}
