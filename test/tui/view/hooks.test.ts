/** From what Ink read to the names of the keymap. */
import type { Key as InkKey } from 'ink';
import * as assert from 'uvu/assert';
import { keysOf } from '../../../tui/view/hooks.js';
import { spec } from '../../support/spec.js';

const NONE = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageDown: false,
  pageUp: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
  super: false,
  hyper: false,
  capsLock: false,
  numLock: false,
} as const satisfies InkKey;

const names = (input: string, key: Partial<InkKey> = {}): string[] =>
  keysOf(input, { ...NONE, ...key }).map((pressed) => pressed.name);

spec('keys', (it) => {
  it('have names', () => {
    assert.equal(names('', { upArrow: true }), ['up']);
    assert.equal(names('', { return: true }), ['enter']);
    assert.equal(names('', { escape: true }), ['esc']);
    assert.equal(names('', { tab: true, shift: true }), ['shift+tab']);
    assert.equal(names('w', { ctrl: true }), ['ctrl+w']);
    assert.equal(names(' '), ['space']);
    assert.equal(names('G', { shift: true }), ['G']);
  });

  it('come one by one when they were typed fast', () => {
    assert.equal(names('3jj'), ['3', 'j', 'j']);
    assert.equal(names('a\r'), ['a', 'enter']);
    assert.equal(keysOf('é👩', NONE), [
      { name: 'é', text: 'é' },
      { name: '👩', text: '👩' },
    ]);
  });

  it('are nothing when a key is released, or held with meta', () => {
    assert.equal(names('a', { eventType: 'release' }), []);
    assert.equal(names('a', { meta: true }), []);
  });
});
