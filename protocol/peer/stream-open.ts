/**
 * The first message on a `/v1/stream` connection: what the bytes that follow are. SPEC.md, "Streams".
 *
 *   asker    → text   StreamOpen
 *   answerer → text   StreamOpened
 *   both     → binary the bytes, in messages of at most BINARY_FRAME_MAX_BYTES; an empty one ends that direction
 */
import * as v from 'valibot';
import { JobIdText } from '../ids.js';

/** The bytes of a print job's document from `offset` on, asker to answerer. */
const PrintDocument = v.strictObject({
  kind: v.literal('print.document'),
  job: JobIdText,
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

export const StreamOpen = v.variant('kind', [PrintDocument]);
export type StreamOpen = v.InferOutput<typeof StreamOpen>;

export const StreamOpened = v.variant('ok', [
  v.strictObject({ ok: v.literal(true) }),
  v.strictObject({
    ok: v.literal(false),
    code: v.pipe(v.string(), v.regex(/^[A-Z_]{2,32}$/)),
    message: v.pipe(v.string(), v.maxLength(512)),
  }),
]);
