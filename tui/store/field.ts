/**
 * A line of text that is being typed: its characters and where the cursor stands. Pure.
 *
 * The cursor moves by what a person sees as one character (a grapheme), so that a backspace never
 * leaves half an emoji or a letter without its accent.
 */

/** What anybody may type or paste into one field. */
const FIELD_MAX_LENGTH = 4096;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export interface Field {
  readonly value: string;
  /** Offset in `value`, always at the border of a grapheme. */
  readonly cursor: number;
  /** The value is only offered: what is typed takes its place, what edits it keeps it. */
  readonly isSuggestion?: boolean;
}

export const EMPTY_FIELD: Field = { value: '', cursor: 0 };

export function fieldOf(value: string): Field {
  return { value, cursor: value.length };
}

/** A value that can be kept with enter and is gone with the first letter of another one. */
export function suggestionOf(value: string): Field {
  return { ...fieldOf(value), isSuggestion: true };
}

/** A key as it reaches a field: its name, and the characters it would type ('' for an arrow). */
export interface Key {
  readonly name: string;
  readonly text: string;
}

/** @returns the field after the key; the same reference when the key means nothing here */
export function editField(field: Field, key: Key): Field {
  const { value, cursor } = field;
  switch (key.name) {
    case 'left':
      return { value, cursor: before(value, cursor) };
    case 'right':
      return { value, cursor: after(value, cursor) };
    case 'home':
    case 'ctrl+a':
      return { value, cursor: 0 };
    case 'end':
    case 'ctrl+e':
      return { value, cursor: value.length };
    case 'backspace':
      return cutOut(field, before(value, cursor), cursor);
    case 'delete':
      return cutOut(field, cursor, after(value, cursor));
    case 'ctrl+u':
      return cutOut(field, 0, cursor);
    case 'ctrl+k':
      return cutOut(field, cursor, value.length);
    case 'ctrl+w':
      return cutOut(field, wordStart(value, cursor), cursor);
    default:
      return insert(field, key.text);
  }
}

/** Line breaks of pasted text become spaces; other control characters are left out. */
function insert(field: Field, text: string): Field {
  const plain = text.replaceAll(/[\r\n\t]+/g, ' ').replaceAll(/\p{Cc}/gu, '');
  const room = FIELD_MAX_LENGTH - field.value.length;
  if (plain === '' || plain.length > room) return field;
  if (field.isSuggestion === true) return fieldOf(plain);
  return {
    value: field.value.slice(0, field.cursor) + plain + field.value.slice(field.cursor),
    cursor: field.cursor + plain.length,
  };
}

function cutOut(field: Field, from: number, to: number): Field {
  if (from === to) return field;
  return { value: field.value.slice(0, from) + field.value.slice(to), cursor: from };
}

function before(value: string, cursor: number): number {
  let last = 0;
  for (const { index } of graphemes.segment(value)) {
    if (index >= cursor) break;
    last = index;
  }
  return last;
}

function after(value: string, cursor: number): number {
  for (const { index } of graphemes.segment(value)) if (index > cursor) return index;
  return value.length;
}

/** A word also ends at a slash, so that ctrl+w takes one folder off a path. */
function wordStart(value: string, cursor: number): number {
  const head = value.slice(0, cursor);
  return head.length - (/[^\s/]*[\s/]*$/.exec(head)?.[0].length ?? 0);
}
