/** A line of text being typed. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { editField, suggestionOf, EMPTY_FIELD, fieldOf, type Field } from '../../../tui/store/field.js';
import { spec } from '../../support/spec.js';

/** `a|b`: the text with the cursor in it. */
const at = (picture: string): Field => ({ value: picture.replace('|', ''), cursor: picture.indexOf('|') });
const pictureOf = ({ value, cursor }: Field): string => `${value.slice(0, cursor)}|${value.slice(cursor)}`;

function press(picture: string, ...keys: readonly string[]): string {
  const named = keys.map((name) => ({ name, text: Array.from(name).length === 1 ? name : '' }));
  return pictureOf(named.reduce(editField, at(picture)));
}

const paste = (text: string): Field => editField(EMPTY_FIELD, { name: 'paste', text });

spec('field', (it) => {
  for (const [before, keys, after] of [
    ['|', ['a', 'b'], 'ab|'],
    ['a|c', ['b'], 'ab|c'],
    ['ab|', ['left', 'left', 'left'], '|ab'],
    ['|ab', ['right', 'right', 'right'], 'ab|'],
    ['ab|', ['backspace'], 'a|'],
    ['|ab', ['backspace'], '|ab'],
    ['|ab', ['delete'], '|b'],
    ['a|b', ['home'], '|ab'],
    ['a|b', ['end'], 'ab|'],
    ['one two|x', ['ctrl+u'], '|x'],
    ['x|one', ['ctrl+k'], 'x|'],
    ['one two |', ['ctrl+w'], 'one |'],
    ['~/work/plans/|', ['ctrl+w'], '~/work/|'],
    ['~/work/plans|', ['ctrl+w', 'ctrl+w'], '~/|'],
    ['👩‍👩‍👧|', ['backspace'], '|'],
    ['ae\u{301}|', ['left', 'backspace'], '|e\u{301}'],
    ['ab|', ['pgup'], 'ab|'],
  ] as const) {
    it(`turns ${before} into ${after} by ${keys.join(' ')}`, () => assert.is(press(before, ...keys), after));
  }

  it('takes what is pasted on one line and without what cannot be seen', () => {
    assert.is(paste('7K2MQ\r\nX4T9B').value, '7K2MQ X4T9B');
    assert.is(paste('a\u{1B}[31mb').value, 'a[31mb');
    assert.is(paste('x'.repeat(5000)), EMPTY_FIELD);
  });

  it('keeps the cursor within the text at the border of a letter', () => {
    const names = ['left', 'right', 'home', 'end', 'backspace', 'delete', 'ctrl+w', 'ctrl+u', 'ctrl+k', 'e', '👩‍👩‍👧', '/'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names)), (keys) => {
        const field = keys.reduce(
          (known, name) => editField(known, { name, text: /^[a-z+]{2,}$/.test(name) ? '' : name }),
          fieldOf('naïve 👩‍👩‍👧 text'),
        );
        assert.ok(field.cursor >= 0 && field.cursor <= field.value.length);
        const borders = [...new Intl.Segmenter().segment(field.value)].map((part) => part.index);
        assert.ok([...borders, field.value.length].includes(field.cursor));
      }),
    );
  });
});

spec('a suggestion', (it) => {
  it('is replaced by what is typed or pasted', () => {
    assert.is(editField(suggestionOf('Office'), { name: 'F', text: 'F' }).value, 'F');
    assert.is(editField(suggestionOf('Office'), { name: '', text: 'Front office' }).value, 'Front office');
  });

  it('is edited once the cursor moves or something is cut out', () => {
    const shorter = editField(suggestionOf('Office'), { name: 'backspace', text: '' });
    assert.is(editField(shorter, { name: 'x', text: 'x' }).value, 'Officx');
    const left = editField(suggestionOf('Office'), { name: 'left', text: '' });
    assert.is(editField(left, { name: 'x', text: 'x' }).value, 'Officxe');
  });
});
