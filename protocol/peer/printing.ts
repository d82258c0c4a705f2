/**
 * Printers and jobs between two agents. SPEC.md, "Printing".
 *
 * Store and forward: the requester keeps the document until the owner has all of it on its disk. The job
 * id is chosen by the requester and is the key that keeps one job from printing twice: an offer of a job
 * that is known is answered with its state and never makes a second one.
 */
import * as v from 'valibot';
import { COPIES_MAX_COUNT, DOCUMENT_MAX_BYTES, NAME_MAX_BYTES, PRINTERS_MAX_COUNT } from '../limits.js';
import { JobIdText, PrinterIdHex } from '../ids.js';
import { peerText } from '../text.js';

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000));
const keyword = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,126}$/));
const mime = v.pipe(v.string(), v.regex(/^[a-z]{1,32}\/[a-z0-9.+-]{1,64}$/));
const page = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));

export const PRINTER_STATES = ['idle', 'printing', 'stopped', 'offline'] as const;
export const Sides = v.picklist(['one-sided', 'two-sided-long-edge', 'two-sided-short-edge']);

/** A printer as its owner tells it: rebuilt from an allow-list, never the device's own attributes. */
export const PeerPrinter = v.strictObject({
  id: PrinterIdHex,
  name: peerText(NAME_MAX_BYTES),
  state: v.picklist(PRINTER_STATES),
  accepting: v.boolean(),
  reasons: v.pipe(v.array(keyword), v.maxLength(16)),
  info: peerText(127),
  location: peerText(127),
  formats: v.pipe(v.array(mime), v.maxLength(16)),
  color: v.boolean(),
  duplex: v.boolean(),
  media: v.pipe(v.array(keyword), v.maxLength(64)),
  mediaDefault: v.nullable(keyword),
  copiesMax: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(COPIES_MAX_COUNT)),
  /** Jobs that wait in the queue. */
  queued: count,
});
export type PeerPrinter = v.InferOutput<typeof PeerPrinter>;

export const PrintersList = v.strictObject({});
export const PrintersListAnswer = v.strictObject({
  printers: v.pipe(v.array(PeerPrinter), v.maxLength(PRINTERS_MAX_COUNT)),
});

/** How it shall be printed. What is not given is the printer's default. */
export const Ticket = v.strictObject({
  title: peerText(127),
  copies: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(COPIES_MAX_COUNT)),
  pages: v.optional(v.pipe(v.array(v.strictTuple([page, page])), v.minLength(1), v.maxLength(32))),
  sides: v.optional(Sides),
  color: v.optional(v.picklist(['color', 'monochrome'])),
  media: v.optional(keyword),
});
export type Ticket = v.InferOutput<typeof Ticket>;

/** States of a job as both sides and people see them; `completed`, `canceled`, `aborted`, `uncertain` are final. */
export const JOB_STATES = [
  'waiting',
  'sending',
  'queued',
  'held',
  'printing',
  'blocked',
  'completed',
  'canceled',
  'aborted',
  'uncertain',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What the owner knows of a job; `seq` grows with each change. */
export const JobReport = v.strictObject({
  job: JobIdText,
  seq: count,
  state: v.picklist(JOB_STATES),
  /** IPP reasons of the job and of the printer, without the suffix that tells how grave they are. */
  reasons: v.pipe(v.array(keyword), v.maxLength(16)),
  /** A sentence for a person, or empty. */
  because: peerText(255),
  /** Pages printed so far, where the device counts them. */
  pages: v.nullable(count),
});
export type JobReport = v.InferOutput<typeof JobReport>;

/** `job.offer`: a job without its bytes. `have` in the answer: bytes of the document that are on the owner's disk. */
export const JobOffer = v.strictObject({
  job: JobIdText,
  printer: PrinterIdHex,
  ticket: Ticket,
  document: v.strictObject({
    format: mime,
    size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(DOCUMENT_MAX_BYTES)),
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
});
export type JobOffer = v.InferOutput<typeof JobOffer>;
export const JobOfferAnswer = v.strictObject({
  report: JobReport,
  have: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

/** `job.commit`: every byte was sent; answered when the document is whole, checked and safe on the owner's disk. */
export const JobCommit = v.strictObject({ job: JobIdText });
export const JobCommitAnswer = v.strictObject({ report: JobReport });

/** `job.cancel`: by the requester of the job. The answer tells the state it has now. */
export const JobCancel = v.strictObject({ job: JobIdText });
export const JobCancelAnswer = v.strictObject({ report: JobReport });

/** `job.states`: what became of these jobs of the asker; a job that the owner does not know is left out. */
export const JobStates = v.strictObject({ jobs: v.pipe(v.array(JobIdText), v.maxLength(256)) });
export const JobStatesAnswer = v.strictObject({ reports: v.pipe(v.array(JobReport), v.maxLength(256)) });
