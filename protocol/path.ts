/**
 * Paths between peers, and names made fit for the disk that they are written to.
 *
 * A wire path is relative to its share, its components are separated by `/`, and the empty path is the share
 * itself. What a path may not be is refused and never repaired: a repaired path names something that nobody
 * asked for. A *name* that comes from a coworker and goes to this disk is repaired (`safeName`), because the
 * file shall arrive although its name is legal on one system only. SPEC.md, "Paths".
 */
import * as v from 'valibot';
import { PotluckError } from './errors.js';
import { COMPONENT_MAX_BYTES, PATH_MAX_BYTES, PATH_MAX_COMPONENTS, SAFE_NAME_MAX_BYTES } from './limits.js';

declare const wirePath: unique symbol;
export type WirePath = string & { readonly [wirePath]: true };

/** The share itself. */
export const SHARE_ROOT = '' as WirePath;

export const WirePath = v.pipe(
  v.string(),
  v.maxBytes(PATH_MAX_BYTES),
  v.check(isWirePath, 'not a path within a share'),
  v.transform((path) => path as WirePath),
);

/** May this be one component of a wire path? */
export function isComponent(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !/[/\0]/.test(name) &&
    name.isWellFormed() &&
    byteLength(name) <= COMPONENT_MAX_BYTES
  );
}

/** The components, outermost first; none for the share itself. */
export function splitPath(path: WirePath): string[] {
  return path === '' ? [] : path.split('/');
}

/**
 * The path of `name` in `folder`.
 * @throws PotluckError PATH_UNKNOWN: no component of a path, or too deep or too long together
 */
export function joinPath(folder: WirePath, name: string): WirePath {
  const path = folder === '' ? name : `${folder}/${name}`;
  if (!isComponent(name) || byteLength(path) > PATH_MAX_BYTES || !isWirePath(path)) {
    throw new PotluckError('PATH_UNKNOWN', 'a name cannot be part of a path');
  }
  return path as WirePath;
}

/** What a path typed by a person means: separators at either end and doubled ones are of no importance. */
export function parseTypedPath(typed: string): WirePath | null {
  const path = typed
    .split('/')
    .filter((part) => part !== '')
    .join('/');
  return byteLength(path) <= PATH_MAX_BYTES && isWirePath(path) ? (path as WirePath) : null;
}

/** The folder that holds the entry; the share itself for an entry directly in it. */
export function parentOf(path: WirePath): WirePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as WirePath;
}

/** The last component; empty for the share itself. */
export function nameOf(path: WirePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function isWirePath(path: string): boolean {
  if (path === '') return true;
  const parts = path.split('/');
  return parts.length <= PATH_MAX_COMPONENTS && parts.every(isComponent);
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
/** Without a width, or turning the direction of the text. */
const INVISIBLE = /[\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{2064}\u{2066}-\u{2069}\u{FEFF}]/gu;
/** Not taken by Windows; `/` and `:` not by the others either. */
const FORBIDDEN = /[<>:"/\\|?*]/g;
/** Devices on Windows, whatever extension follows. */
const RESERVED = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$/iu;
const EXTENSION = /^(.+?)(\.[^.\s]{1,12})$/su;

/**
 * A name that Linux, macOS and Windows all take, as like the given one as can be; applying it twice changes
 * nothing. Two names may become one: see `collisionKey`.
 */
export function safeName(name: string): string {
  const visible = name
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(CONTROL, '_')
    .replaceAll(INVISIBLE, '')
    // What was dropped may have stood between a letter and its accent.
    .normalize('NFC')
    .replaceAll(FORBIDDEN, '_');
  const whole = notReserved(closed(visible));
  const { stem, extension } = split(whole);
  return closed(cut(stem, SAFE_NAME_MAX_BYTES - byteLength(extension)) + extension);
}

/**
 * The name with a number, as a second file of the same name gets it: `plan.pdf` → `plan (2).pdf`.
 * @param name  already safe; it is cut where the number would make it too long
 */
export function numberedName(name: string, number: number): string {
  const { stem, extension } = split(name);
  const suffix = ` (${number})${extension}`;
  return cut(stem, SAFE_NAME_MAX_BYTES - byteLength(suffix)) + suffix;
}

/** Equal for names that are one file on some disk: case, composed letters and compatible forms are folded. */
export function collisionKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().toUpperCase().normalize('NFKC');
}

/** Neither empty nor `.` nor `..`, with no blank in front and neither dot nor blank at the end. */
function closed(name: string): string {
  if (name === '' || name === '.' || name === '..') return '_';
  return name.replace(/[. ]+$/, '_').replace(/^ /, '_');
}

/** Windows looks only at what stands before the first dot; tools run what is in a folder `.git`. */
function notReserved(name: string): string {
  const stem = (name.split('.', 1)[0] ?? '').trimEnd();
  return RESERVED.test(stem) || name.toLowerCase() === '.git' ? `_${name}` : name;
}

function split(name: string): { stem: string; extension: string } {
  const match = EXTENSION.exec(name);
  return match === null ? { stem: name, extension: '' } : { stem: match[1] ?? '', extension: match[2] ?? '' };
}

/** As many whole characters as fit into `maxBytes`. */
function cut(text: string, maxBytes: number): string {
  if (byteLength(text) <= maxBytes) return text;
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
