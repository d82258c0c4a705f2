/**
 * Invitations as people see them: a code of twenty letters and digits, good for one PC.
 *
 * The code is the only secret of a join, so it is long (95 random bits): nothing need be locked out, and
 * a proof made with it tells an eavesdropper nothing. Its alphabet has no letters that look like digits,
 * and its last symbol checks the others, so a typing error is told from a refused code before anything
 * is dialled. SPEC.md, "Join".
 */
import { checkSymbol } from './base32.js';
import { PotluckError } from './errors.js';
import { deriveKey } from './mac.js';

const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ0123456789';
const RANDOM_SYMBOLS = 19;
const CODE_SYMBOLS = RANDOM_SYMBOLS + 1;
const LINK_PREFIX = 'potluck:join?c=';
/** More than any way of writing a code or its link takes. */
const TYPED_MAX_CHARS = 128;

declare const brand: unique symbol;
/** Twenty symbols of the alphabet, the last one right, without dashes. A secret: never logged. */
export type InviteCode = string & { readonly [brand]: 'InviteCode' };

/** @param random  gives that many random bytes */
export function makeInviteCode(random: (count: number) => Uint8Array): InviteCode {
  // 256 is a multiple of 32: every symbol is as likely as the others.
  const symbols = [...random(RANDOM_SYMBOLS)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');
  return (symbols + checkSymbol(symbols, ALPHABET)) as InviteCode;
}

/** `XXXXX-XXXXX-XXXXX-XXXXX`: how a code is shown and read aloud. */
export function formatInviteCode(code: InviteCode): string {
  return (code.match(/.{5}/g) ?? []).join('-');
}

/** What the QR code of an invitation holds. */
export function inviteLink(code: InviteCode): string {
  return LINK_PREFIX + formatInviteCode(code);
}

/**
 * Reads a code, or its link, as it was typed or pasted: case, dashes and spaces do not matter, and letters
 * that are taken for others (O for 0, I and L for 1, U for V) are mended.
 * @throws PotluckError USAGE: not twenty symbols, a symbol that no code has, or a typing error
 */
export function parseInviteCode(typed: string): InviteCode {
  if (typed.length > TYPED_MAX_CHARS) throw new PotluckError('USAGE', 'this is too long for an invitation code');
  const text = typed.trim();
  const isLink = text.toLowerCase().startsWith(LINK_PREFIX);
  const symbols = (isLink ? text.slice(LINK_PREFIX.length) : text)
    .replaceAll(/[\s\u2010-\u2015\u2212-]/g, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
    .replaceAll('U', 'V');
  if (/[^A-Z0-9]/.test(symbols)) {
    throw new PotluckError('USAGE', 'an invitation code has only letters and digits');
  }
  if (symbols.length !== CODE_SYMBOLS) {
    throw new PotluckError(
      'USAGE',
      `an invitation code has ${CODE_SYMBOLS} letters and digits, this one has ${symbols.length}`,
    );
  }
  const body = symbols.slice(0, RANDOM_SYMBOLS);
  if (checkSymbol(body, ALPHABET) !== symbols.charAt(RANDOM_SYMBOLS)) {
    throw new PotluckError('USAGE', 'the invitation code has a typing error', { hint: 'compare it with the original' });
  }
  return symbols as InviteCode;
}

/** The key that both sides of a join prove to hold. The member keeps this and forgets the code. */
export function inviteKey(code: InviteCode): Buffer {
  return deriveKey(code.slice(0, RANDOM_SYMBOLS), 'potluck/v1/invite', '');
}
