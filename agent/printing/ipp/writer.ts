/**
 * Writing IPP requests: attributes in the order in which they are named, RFC 8010 §3.
 *
 * The first two attributes of every message are the charset and the language; they are written here.
 */
import type { Message, Token } from './codec.js';
import { GROUP, TAG } from './tables.js';

/** IPP/2.0; the client falls back to 1.1 where a printer does not know it. */
const VERSION = 0x02_00;

export class MessageWriter {
  readonly #code: number;
  readonly #id: number;
  readonly #tokens: Token[] = [];

  /** @param code  the operation of a request, the status of an answer */
  constructor(code: number, id: number) {
    this.#code = code;
    this.#id = id;
    this.group(GROUP.operation).string(TAG.charset, 'attributes-charset', 'utf-8');
    this.string(TAG.language, 'attributes-natural-language', 'en');
  }

  group(tag: number): this {
    this.#tokens.push({ group: tag });
    return this;
  }

  /** Values of any syntax that is text; none writes nothing. */
  string(tag: number, name: string, ...values: readonly string[]): this {
    return this.#write(
      tag,
      name,
      values.map((value) => Buffer.from(value, 'utf8')),
    );
  }

  integer(name: string, ...values: readonly number[]): this {
    return this.#write(TAG.integer, name, values.map(int32));
  }

  enum(name: string, ...values: readonly number[]): this {
    return this.#write(TAG.enum, name, values.map(int32));
  }

  boolean(name: string, value: boolean): this {
    return this.#write(TAG.boolean, name, [Buffer.of(value ? 1 : 0)]);
  }

  /** Both ends belong to the range. */
  range(name: string, ...values: readonly (readonly [number, number])[]): this {
    return this.#write(
      TAG.range,
      name,
      values.map(([from, to]) => Buffer.concat([int32(from), int32(to)])),
    );
  }

  /** Dots per inch, across and along the feed. */
  resolution(name: string, ...values: readonly (readonly [number, number])[]): this {
    const bytes = values.map(([across, along]) => Buffer.concat([int32(across), int32(along), Buffer.of(3)]));
    return this.#write(TAG.resolution, name, bytes);
  }

  /** @param ms  since 1970; written in UTC */
  dateTime(name: string, ms: number): this {
    const at = new Date(ms);
    const bytes = Buffer.alloc(11);
    bytes.writeUInt16BE(at.getUTCFullYear(), 0);
    bytes.set([at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()], 2);
    bytes.set([Math.floor(at.getUTCMilliseconds() / 100), 0x2b], 7);
    return this.#write(TAG.dateTime, name, [bytes]);
  }

  /** A collection of what `write` writes. */
  collection(name: string, write: (members: CollectionWriter) => void): this {
    this.#tokens.push({ tag: TAG.beginCollection, name, value: Buffer.alloc(0) });
    write(new CollectionWriter(this.#tokens));
    this.#tokens.push({ tag: TAG.endCollection, name: '', value: Buffer.alloc(0) });
    return this;
  }

  done(): Message {
    return { version: VERSION, code: this.#code, id: this.#id, tokens: this.#tokens };
  }

  #write(tag: number, name: string, values: readonly Buffer[]): this {
    for (const [index, value] of values.entries()) this.#tokens.push({ tag, name: index === 0 ? name : '', value });
    return this;
  }
}

/** The members of a collection: their names are values of their own, RFC 8010 §3.1.6. */
export class CollectionWriter {
  readonly #tokens: Token[];

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  string(tag: number, name: string, ...values: readonly string[]): this {
    return this.#member(
      tag,
      name,
      values.map((value) => Buffer.from(value, 'utf8')),
    );
  }

  integer(name: string, ...values: readonly number[]): this {
    return this.#member(TAG.integer, name, values.map(int32));
  }

  collection(name: string, write: (members: CollectionWriter) => void): this {
    this.#member(TAG.beginCollection, name, [Buffer.alloc(0)]);
    write(this);
    this.#tokens.push({ tag: TAG.endCollection, name: '', value: Buffer.alloc(0) });
    return this;
  }

  #member(tag: number, name: string, values: readonly Buffer[]): this {
    this.#tokens.push({ tag: TAG.memberName, name: '', value: Buffer.from(name, 'latin1') });
    for (const value of values) this.#tokens.push({ tag, name: '', value });
    return this;
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
