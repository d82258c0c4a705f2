/**
 * Reading what a print system says: attributes of a message by group and name, values by their syntax.
 *
 * A value of an unexpected syntax or length reads as "not there": printers send odd things, and a missing
 * fact is easier to live with than a failed print. Nothing here throws. RFC 8010 §3.1, RFC 8011 §5.1.
 */
import { IPP_COLLECTION_DEPTH_MAX_COUNT } from '../../../protocol/limits.js';
import type { Message, Token, ValueToken } from './codec.js';
import { TAG } from './tables.js';

export interface Value {
  readonly tag: number;
  readonly bytes: Buffer;
  /** The members of a collection; empty for every other value. */
  readonly members: Attributes;
}

/** The attributes of one group or one collection. Of two with the same name the first counts. */
export type Attributes = ReadonlyMap<string, readonly Value[]>;

export interface Group {
  readonly tag: number;
  readonly attributes: Attributes;
}

const NONE: Attributes = new Map();
const STRINGS: ReadonlySet<number> = new Set([
  TAG.text,
  TAG.name,
  TAG.keyword,
  TAG.uri,
  TAG.charset,
  TAG.language,
  TAG.mimeType,
]);

/** The groups of a message in their order: an answer about several jobs has one for each. */
export function groupsOf(message: Message): Group[] {
  const groups: Group[] = [];
  const reader = new Reader(message.tokens);
  for (let token = reader.next(); token !== null; token = reader.next()) {
    if ('group' in token) groups.push({ tag: token.group, attributes: reader.attributes() });
  }
  return groups;
}

/** The attributes of the first group with this tag; none when there is no such group. */
export function groupOf(message: Message, tag: number): Attributes {
  return groupsOf(message).find((group) => group.tag === tag)?.attributes ?? NONE;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token | null {
    return this.#tokens[this.#at++] ?? null;
  }

  /** Up to the next group. */
  attributes(): Attributes {
    const found = new Map<string, Value[]>();
    let current: Value[] | null = null;
    for (let token = this.#peek(); token !== null && !('group' in token); token = this.#peek()) {
      this.#at += 1;
      if (token.name !== '') current = add(found, token.name);
      const value = this.#value(token, 0);
      current?.push(value);
    }
    return found;
  }

  #peek(): Token | null {
    return this.#tokens[this.#at] ?? null;
  }

  #value(token: ValueToken, depth: number): Value {
    const bytes = Buffer.from(token.value.buffer, token.value.byteOffset, token.value.byteLength);
    const members = token.tag === TAG.beginCollection ? this.#members(depth + 1) : NONE;
    return { tag: token.tag, bytes, members };
  }

  /** Up to the end of the collection. One that is nested too deep is left out, but its end is found. */
  #members(depth: number): Attributes {
    const found = new Map<string, Value[]>();
    let current: Value[] | null = null;
    for (let token = this.#peek(); token !== null && !('group' in token); token = this.#peek()) {
      this.#at += 1;
      if (token.tag === TAG.endCollection) break;
      if (token.tag === TAG.memberName) {
        current = add(found, Buffer.from(token.value).toString('latin1'));
      } else if (token.tag === TAG.beginCollection && depth >= IPP_COLLECTION_DEPTH_MAX_COUNT) {
        this.#skip();
      } else {
        const value = this.#value(token, depth);
        current?.push(value);
      }
    }
    return found;
  }

  /** A loop and no recursion: the depth of a message must not become the depth of our stack. */
  #skip(): void {
    let open = 1;
    for (let token = this.#peek(); token !== null && !('group' in token) && open > 0; token = this.#peek()) {
      this.#at += 1;
      if (token.tag === TAG.beginCollection) open += 1;
      if (token.tag === TAG.endCollection) open -= 1;
    }
  }
}

/** The list for a new attribute; null for a name that was there already, whose further values are not kept. */
function add(found: Map<string, Value[]>, name: string): Value[] | null {
  if (found.has(name)) return null;
  const values: Value[] = [];
  found.set(name, values);
  return values;
}

/** The first value that `read` understands. */
function first<T>(from: Attributes, name: string, read: (value: Value) => T | null): T | null {
  for (const value of from.get(name) ?? []) {
    const found = read(value);
    if (found !== null) return found;
  }
  return null;
}

function all<T>(from: Attributes, name: string, read: (value: Value) => T | null): T[] {
  return (from.get(name) ?? []).map(read).filter((value) => value !== null);
}

/** Text, name, keyword, URI, type, charset or language, with or without the language it is in. */
export const stringOf = (from: Attributes, name: string): string | null => first(from, name, readString);
export const stringsOf = (from: Attributes, name: string): string[] => all(from, name, readString);
/** An integer or an enum. */
export const integerOf = (from: Attributes, name: string): number | null => first(from, name, readInteger);
export const integersOf = (from: Attributes, name: string): number[] => all(from, name, readInteger);
export const booleanOf = (from: Attributes, name: string): boolean | null => first(from, name, readBoolean);
/** Both ends belong to the range; a single integer is a range of one. */
export const rangesOf = (from: Attributes, name: string): [number, number][] => all(from, name, readRange);
/** Dots per inch, across and along the feed. */
export const resolutionsOf = (from: Attributes, name: string): [number, number][] => all(from, name, readResolution);
/** Milliseconds since 1970. */
export const dateTimeOf = (from: Attributes, name: string): number | null => first(from, name, readDateTime);
export const collectionsOf = (from: Attributes, name: string): Attributes[] =>
  all(from, name, (value) => (value.tag === TAG.beginCollection ? value.members : null));

function readString({ tag, bytes }: Value): string | null {
  if (STRINGS.has(tag)) return bytes.toString('utf8');
  if (tag !== TAG.textWithLanguage && tag !== TAG.nameWithLanguage) return null;
  // A length and the language, a length and the text.
  if (bytes.length < 4) return null;
  const at = 2 + bytes.readUInt16BE(0);
  if (at + 2 > bytes.length || at + 2 + bytes.readUInt16BE(at) !== bytes.length) return null;
  return bytes.toString('utf8', at + 2);
}

function readInteger({ tag, bytes }: Value): number | null {
  return (tag === TAG.integer || tag === TAG.enum) && bytes.length === 4 ? bytes.readInt32BE(0) : null;
}

function readBoolean({ tag, bytes }: Value): boolean | null {
  return tag === TAG.boolean && bytes.length === 1 ? bytes[0] !== 0 : null;
}

function readRange(value: Value): [number, number] | null {
  const single = readInteger(value);
  if (single !== null) return [single, single];
  const { tag, bytes } = value;
  return tag === TAG.range && bytes.length === 8 ? [bytes.readInt32BE(0), bytes.readInt32BE(4)] : null;
}

function readResolution({ tag, bytes }: Value): [number, number] | null {
  if (tag !== TAG.resolution || bytes.length !== 9) return null;
  const unit = bytes[8];
  // RFC 8010 §3.9: 3 is dots per inch, 4 dots per centimetre.
  if (unit !== 3 && unit !== 4) return null;
  const inch = (dots: number): number => (unit === 3 ? dots : Math.round(dots * 2.54));
  return [inch(bytes.readInt32BE(0)), inch(bytes.readInt32BE(4))];
}

/** RFC 2579, DateAndTime: year, month, day, hour, minute, second, tenths, then the offset from UTC. */
function readDateTime({ tag, bytes }: Value): number | null {
  if (tag !== TAG.dateTime || bytes.length !== 11) return null;
  const [month, day, hour, minute, second, tenths, sign, offsetHours, offsetMinutes] = bytes.subarray(2);
  const local = Date.UTC(bytes.readUInt16BE(0), (month ?? 1) - 1, day, hour, minute, second, (tenths ?? 0) * 100);
  const offsetMs = ((offsetHours ?? 0) * 60 + (offsetMinutes ?? 0)) * 60_000;
  return sign === 0x2d ? local + offsetMs : local - offsetMs;
}
