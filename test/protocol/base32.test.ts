/** Device ids: RFC 4648 vectors, Syncthing's published check characters, and every single typing error. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { checkSymbol, fromBase32, RFC4648_ALPHABET, toBase32 } from '../../protocol/base32.js';
import {
  fromHex,
  hex,
  isPeerIdPrefix,
  parsePeerIdText,
  type PeerId,
  peerIdOf,
  peerIdShort,
  peerIdText,
} from '../../protocol/ids.js';
import { spec } from '../support/spec.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

spec('base32', (it) => {
  // RFC 4648, section 10, without the padding.
  const vectors: [string, string][] = [
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ];
  for (const [plain, coded] of vectors) {
    it(`writes and reads "${plain}"`, () => {
      assert.is(toBase32(bytes(plain)), coded);
      assert.equal(fromBase32(coded), bytes(plain));
    });
  }

  it('reads back what it wrote, for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (any) => assert.equal(fromBase32(toBase32(any)), any)));
  });

  it('refuses symbols of no alphabet, stray bits and impossible lengths', () => {
    for (const text of ['m', 'M1', 'MZ', 'MZX', 'A', 'MZXW6YTBO']) assert.is(fromBase32(text), null, text);
  });
});

spec('peer id', (it) => {
  // Published by Syncthing as an example of its device ids.
  const published = 'P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2';

  it('has the check characters of the published example', () => {
    const id = parsePeerIdText(published);
    assert.ok(id);
    assert.is(peerIdText(id), published);
    assert.is(peerIdShort(id), 'P56IOI7');
  });

  it('is read in lower case, with spaces, and with the usual misreadings', () => {
    const id = parsePeerIdText(published);
    assert.is(parsePeerIdText(published.toLowerCase().replaceAll('-', ' ')), id);
    assert.is(parsePeerIdText(published.replaceAll('I', '1').replaceAll('B', '8')), id);
  });

  it('shows every single wrong character', () => {
    const symbols = published.replaceAll('-', '');
    for (let at = 0; at < symbols.length; at++) {
      for (const other of RFC4648_ALPHABET) {
        if (other === symbols[at]) continue;
        assert.is(parsePeerIdText(symbols.slice(0, at) + other + symbols.slice(at + 1)), null);
      }
    }
  });

  it('is found by its beginning, from four characters on', () => {
    const id = parsePeerIdText(published) as PeerId;
    for (const typed of ['P56I', 'p56ioi7-mz', published]) assert.ok(isPeerIdPrefix(typed, id), typed);
    for (const typed of ['P56', 'P56J', '']) assert.not(isPeerIdPrefix(typed, id), typed);
  });

  it('is 64 hex digits of 32 bytes', () => {
    const raw = Uint8Array.from({ length: 32 }, (_, at) => at * 7);
    assert.is(hex(fromHex(hex(raw))), peerIdOf(raw));
    assert.is(checkSymbol('', RFC4648_ALPHABET), 'A');
  });
});
