/** Invitation codes: as drawn, as shown, as typed by people. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { PotluckError } from '../../protocol/errors.js';
import { formatInviteCode, inviteKey, inviteLink, makeInviteCode, parseInviteCode } from '../../protocol/invite.js';
import { spec } from '../support/spec.js';

const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ0123456789';
const CODE = makeInviteCode((count) => Uint8Array.from({ length: count }, (_, at) => 100 + at));
const bytes = fc.uint8Array({ minLength: 19, maxLength: 19 });

function refusal(typed: string): string {
  try {
    parseInviteCode(typed);
  } catch (thrown) {
    if (thrown instanceof PotluckError && thrown.code === 'USAGE') return thrown.message;
    throw thrown;
  }
  return 'taken';
}

const READ_AS: Record<string, string> = {
  'EFGHJ-KMNPQ-RSTVW-XYZ0V': 'as it is shown',
  efghjkmnpqrstvwxyz0v: 'in lower case without dashes',
  '  EFGHJ KMNPQ\tRSTVW XYZ0V\n': 'with spaces',
  'EFGHJ–KMNPQ—RSTVW−XYZ0V': 'with the dashes of a word processor',
  'EFGHJ-KMNPQ-RSTUW-XYZOU': 'with O for 0 and U for V',
  'potluck:join?c=EFGHJ-KMNPQ-RSTVW-XYZ0V': 'as a link',
  'POTLUCK:JOIN?C=EFGHJ-KMNPQ-RSTVW-XYZ0V': 'as a shouted link',
};

spec('invitation code', (it) => {
  it('is drawn and shown as published', () => {
    assert.is(CODE, 'EFGHJKMNPQRSTVWXYZ0V');
    assert.is(formatInviteCode(CODE), 'EFGHJ-KMNPQ-RSTVW-XYZ0V');
    assert.is(inviteLink(CODE), 'potluck:join?c=EFGHJ-KMNPQ-RSTVW-XYZ0V');
  });

  it('gives the published key, whatever the check symbol', () => {
    assert.is(inviteKey(CODE).toString('hex'), '3a92c3f40a6ac29d76db3b2bf6ce6fb95c1a55e38ff7f7c65216bf6c0872a777');
  });

  for (const [typed, how] of Object.entries(READ_AS)) {
    it(`is read ${how}`, () => assert.is(parseInviteCode(typed), CODE));
  }

  it('reads I and L as 1', () => {
    const ones = makeInviteCode((count) => new Uint8Array(count).fill(ALPHABET.indexOf('1')));
    assert.is(parseInviteCode(ones.replaceAll('1', 'l')), ones);
    assert.is(parseInviteCode(ones.replaceAll('1', 'I')), ones);
  });

  it('is read back, however it was drawn', () => {
    fc.assert(
      fc.property(bytes, (drawn) => {
        const code = makeInviteCode(() => drawn);
        assert.is(parseInviteCode(formatInviteCode(code)), code);
        assert.is(parseInviteCode(inviteLink(code)), code);
      }),
    );
  });

  it('catches every single wrong symbol', () => {
    let caught = 0;
    for (let at = 0; at < CODE.length; at++) {
      for (const symbol of ALPHABET.replace(CODE.charAt(at), '').split('')) {
        caught += refusal(CODE.slice(0, at) + symbol + CODE.slice(at + 1)).includes('typing error') ? 1 : 0;
      }
    }
    assert.is(caught, 20 * 31);
  });

  it('says what is wrong with what was typed', () => {
    assert.match(refusal(''), /has 20 letters and digits, this one has 0/);
    assert.match(refusal('EFGHJ-KMNPQ-RSTVW-XYZ0'), /this one has 19/);
    assert.match(refusal('EFGHJ-KMNPQ-RSTVW-XYZ0VV'), /this one has 21/);
    assert.match(refusal('EFGHJ-KMNPQ-RSTVW-XYZ0!'), /only letters and digits/);
    assert.match(refusal('EFGHJ-KMNPQ-RSTVW-XYZ\u0660V'), /only letters and digits/);
    assert.match(refusal('A'.repeat(129)), /too long/);
  });

  it('refuses whatever else is typed in one clear way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (typed) => assert.type(refusal(typed), 'string')),
    );
  });
});
