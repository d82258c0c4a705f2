/**
 * Content: the identity of the bytes of a file. SPEC.md, "Content".
 *
 * `(content, size)` is trusted because it comes from the owner over the owner's own link; every byte
 * that is fetched afterwards, from whomever, is checked against it.
 */
import * as v from 'valibot';
import { DESCRIBE_MAX_COUNT, FILE_MAX_BYTES } from '../limits.js';
import { ContentIdHex, ShareIdHex } from '../ids.js';
import { WirePath } from '../path.js';

const Described = v.strictObject({
  ok: v.literal(true),
  size: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(FILE_MAX_BYTES)),
  modified: v.pipe(v.number(), v.integer(), v.minValue(-8.64e15), v.maxValue(8.64e15)),
  /** Null for an empty file only. */
  content: v.nullable(ContentIdHex),
});
const NotDescribed = v.strictObject({
  ok: v.literal(false),
  code: v.pipe(v.string(), v.regex(/^[A-Z_]{2,32}$/)),
});

/**
 * `content.describe`: the content ids of some files of a share, hashed first where they are not known.
 * The answer may take long; signs of life tell how many bytes are hashed. Items in the order of the paths.
 */
export const ContentDescribe = v.strictObject({
  share: ShareIdHex,
  paths: v.pipe(v.array(WirePath), v.minLength(1), v.maxLength(DESCRIBE_MAX_COUNT)),
});
export const ContentDescribeAnswer = v.strictObject({
  items: v.pipe(v.array(v.variant('ok', [Described, NotDescribed])), v.maxLength(DESCRIBE_MAX_COUNT)),
});
export type ContentDescribeAnswer = v.InferOutput<typeof ContentDescribeAnswer>;
