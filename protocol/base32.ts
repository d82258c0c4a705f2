/**
 * Base32 with check characters: how keys and invitation codes are written for people.
 *
 * RFC 4648 alphabet for device ids; the Luhn scheme over 32 symbols (the mod-N variant that Syncthing
 * uses for its device ids, so published vectors exist) catches every single wrong character.
 */

export const RFC4648_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Upper-case base32 without padding. */
export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += RFC4648_ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + RFC4648_ALPHABET[(value << (5 - bits)) & 31] : text;
}

/** The bytes of upper-case base32 without padding, or null when it is not that or has stray bits at its end. */
export function fromBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const symbol of text) {
    const digit = RFC4648_ALPHABET.indexOf(symbol);
    if (digit < 0) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = value >>> bits;
      at += 1;
      value &= (1 << bits) - 1;
    }
  }
  return value === 0 && bits < 5 ? bytes : null;
}

/**
 * The Luhn mod N check symbol of `text` over `alphabet`.
 * @throws RangeError when `text` holds a symbol that is not of the alphabet
 */
export function checkSymbol(text: string, alphabet: string): string {
  const size = alphabet.length;
  let factor = 1;
  let sum = 0;
  for (const symbol of text) {
    const digit = alphabet.indexOf(symbol);
    if (digit < 0) throw new RangeError('a symbol is not of the alphabet');
    const product = factor * digit;
    factor = factor === 2 ? 1 : 2;
    sum += Math.floor(product / size) + (product % size);
  }
  return alphabet.charAt((size - (sum % size)) % size);
}
