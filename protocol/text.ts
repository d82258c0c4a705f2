/**
 * Text that somebody else chose: a peer, a printer, a packet, a name on a disk.
 *
 * A terminal obeys such text: an escape sequence in a file name can retitle the window, fill the clipboard
 * or hide half of a line, and an invisible character makes two names look like one. So foreign text has a
 * type of its own, bounded where it comes in and kept as it is, and it reaches a screen, a line of the log
 * or a message of failure only through `safe`. SPEC.md, "Text".
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';

declare const foreign: unique symbol;
/** Raw text that came from outside: never printed but through `safe`. */
export type PeerText = string & { readonly [foreign]: true };

/** Hex digits of a short id: enough for one folder, more where two names begin alike. */
const SHORT_ID_MIN_DIGITS = 4;
const SHORT_ID_MAX_DIGITS = 64;
const SHORT_ID = /^@[0-9a-f]{4,64}$/;

/**
 * What a terminal would obey or not show: controls, direction marks, everything without a width, line and
 * paragraph separators, halves of a surrogate pair. The selectors that make an emoji colourful are shown.
 */
const UNSHOWABLE =
  /(?!(?<=\p{Extended_Pictographic})[\u{FE0E}\u{FE0F}])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u{FFF9}-\u{FFFB}]/gu;

/** A schema: text of at most `maxBytes` of UTF-8, branded. It may be empty. */
export function peerText(maxBytes: number) {
  return v.pipe(
    v.string(),
    v.maxBytes(maxBytes),
    v.transform((text) => text as PeerText),
  );
}

/** The text as it may be printed: whatever cannot be shown is `·`, one for each, and nothing else changes. */
export function safe(text: string): string {
  return text.replaceAll(UNSHOWABLE, '·');
}

/** Can a person not type this name from what the screen shows? */
export function needsShortId(name: string): boolean {
  return safe(name) !== name || name.trim() !== name;
}

/**
 * Stands for a name that cannot be typed: `@` and the beginning of the name's SHA-256.
 * @param among  the names beside it; the id is as long as it takes to be none of theirs
 */
export function shortId(name: string, among: Iterable<string> = []): string {
  const own = digest(name);
  let digits = SHORT_ID_MIN_DIGITS;
  for (const other of among) {
    if (other === name) continue;
    const theirs = digest(other);
    while (digits < SHORT_ID_MAX_DIGITS && theirs.startsWith(own.slice(0, digits))) digits += 1;
  }
  return `@${own.slice(0, digits)}`;
}

/** Could this be what `shortId` made, whole or its first four digits and more? */
export function isShortId(typed: string): boolean {
  return SHORT_ID.test(typed);
}

/** Does the typed short id stand for this name? */
export function matchesShortId(typed: string, name: string): boolean {
  return isShortId(typed) && digest(name).startsWith(typed.slice(1));
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}
