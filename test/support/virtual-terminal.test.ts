/** The terminal in memory shows what it should and refuses what no screen of ours may write. */
import * as assert from 'uvu/assert';
import { spec } from './spec.js';
import { VirtualTerminal } from './virtual-terminal.js';

const ESC = '\u{1B}';

function written(text: string): VirtualTerminal {
  const terminal = new VirtualTerminal(10, 4);
  terminal.write(text);
  return terminal;
}

const REFUSED: Readonly<Record<string, string>> = {
  'a cleared scrollback': `${ESC}[3J`,
  'a cleared screen': `${ESC}[2J`,
  'a command that fills the clipboard': `${ESC}]52;c;aGk=\u{7}`,
  'a hidden character': 'a\u{202E}b',
  'a bell': 'a\u{7}',
  'a control of the upper half': 'a\u{9B}31m',
  'a line over the edge': 'x'.repeat(11),
  'a wide letter over the edge': `${'x'.repeat(9)}港`,
  'a picture that scrolls': '\n\n\n\n',
  'an unfinished sequence': ESC,
  'a mode that the UI does not use': `${ESC}[?1000h`,
  'a colour out of 256': `${ESC}[38;5;1mx`,
};

spec('a terminal in memory', (it) => {
  it('keeps the cells that a person sees', () => {
    const terminal = written(`one\r\n港b${ESC}[1A${ESC}[1GO${ESC}[2B\r\n`);
    assert.equal(terminal.lines, ['One', '港b', '', '']);
    assert.is(terminal.failure, null);
  });

  it('erases lines and what is below', () => {
    assert.equal(written(`aaa\nbbb\nccc${ESC}[1A${ESC}[2K`).lines, ['aaa', '', 'ccc', '']);
    assert.equal(written(`aaa\nbbb\nccc${ESC}[2;2H${ESC}[J`).lines, ['aaa', 'b', '', '']);
  });

  it('spells styles in one way', () => {
    const [line] = written(`${ESC}[1m${ESC}[36mab${ESC}[39m${ESC}[22mc`).styledLines;
    assert.is(line, `${ESC}[0;1;36mab${ESC}[0mc`);
  });

  for (const [what, text] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, () => assert.ok(written(text).failure));
  }
});
