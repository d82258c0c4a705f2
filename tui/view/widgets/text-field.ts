/** A text field on one line: its text, with the cursor in sight. Pure. */
import type { Field } from '../../store/field.js';
import { cutStart, shown, widthOf } from '../format.js';
import { fitLine, span, type Line } from '../line.js';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Exactly `width` columns. The cursor is the inverse of the character it stands on.
 * @param hint  shown while the field is empty
 */
export function fieldLine(field: Field, width: number, isFocused: boolean, hint = ''): Line {
  if (field.value === '') return fitLine([span(isFocused ? ' ' : '', 'cursor'), span(hint, 'faint')], width);
  const before = shown(field.value.slice(0, field.cursor));
  const rest = field.value.slice(field.cursor);
  if (!isFocused) return fitLine([span(field.value)], width);
  const [first] = graphemes.segment(rest);
  const under = first === undefined ? ' ' : shown(first.segment);
  const after = first === undefined ? '' : shown(rest.slice(first.segment.length));
  // The cursor stays in the window: what is before it gives way first.
  const visible = cutStart(before, Math.max(1, width - widthOf(under)));
  return fitLine([span(visible), span(under, 'cursor'), span(after)], width);
}

/** `label` in front of a field, as wide as `labelWidth`. */
export function labelledField(
  label: string,
  labelWidth: number,
  field: Field,
  width: number,
  isFocused: boolean,
  hint = '',
): Line {
  const name = label.padEnd(labelWidth);
  return [span(name, isFocused ? 'accent' : 'plain'), ...fieldLine(field, width - widthOf(name), isFocused, hint)];
}
