/**
 * What is believed of a printer's attributes: an allow-list with bounds.
 *
 * These facts travel to coworkers, and there into the print system, which makes a driver of them. So nothing
 * passes as it was said: texts lose what could begin a line or end a value of a driver file, keywords and
 * sizes have a form, numbers a range, types are ours; addresses, identifiers and operations are left out.
 */
import { DOCUMENT_FORMATS } from '../../../protocol/document.js';
import { COPIES_MAX_COUNT } from '../../../protocol/limits.js';
import { plainReasons } from '../../core/print-reasons.js';
import * as read from '../ipp/attributes.js';
import { PRINTER_STATE } from '../ipp/tables.js';
import type { PrinterFacts } from './system.js';

/** What is asked of a printer; it answers with much more where it is asked for "all". */
export const FACT_ATTRIBUTES = [
  'printer-name',
  'printer-info',
  'printer-location',
  'printer-make-and-model',
  'printer-state',
  'printer-state-reasons',
  'printer-is-accepting-jobs',
  'queued-job-count',
  'document-format-supported',
  'color-supported',
  'sides-supported',
  'copies-supported',
  'media-supported',
  'media-ready',
  'media-default',
  'operations-supported',
] as const;

const TEXT_MAX_BYTES = 127;
const MEDIA_MAX_COUNT = 64;
const QUEUED_MAX_COUNT = 1_000_000;
const KEYWORD = /^[a-z0-9][a-z0-9._-]{0,126}$/;
/** PWG 5101.1: class, name, size. */
const MEDIA = /^[a-z]{1,16}_[a-z0-9.-]{1,64}_[0-9.]{1,12}x[0-9.]{1,12}(?:mm|in)$/;

export function factsOf(from: read.Attributes): PrinterFacts {
  const reasons = read.stringsOf(from, 'printer-state-reasons').filter((reason) => KEYWORD.test(reason));
  const supported = new Set(read.stringsOf(from, 'document-format-supported').map((type) => type.toLowerCase()));
  const media = mediaOf(from);
  const mediaDefault = read.stringOf(from, 'media-default');
  return {
    state: stateOf(read.integerOf(from, 'printer-state'), reasons),
    accepting: read.booleanOf(from, 'printer-is-accepting-jobs') ?? true,
    reasons: plainReasons(reasons),
    info: plainText(read.stringOf(from, 'printer-info') ?? read.stringOf(from, 'printer-make-and-model') ?? ''),
    location: plainText(read.stringOf(from, 'printer-location') ?? ''),
    formats: DOCUMENT_FORMATS.filter((format) => supported.has(format)),
    color: read.booleanOf(from, 'color-supported') ?? false,
    duplex: read.stringsOf(from, 'sides-supported').some((sides) => sides.startsWith('two-sided-')),
    media,
    mediaDefault: mediaDefault !== null && media.includes(mediaDefault) ? mediaDefault : null,
    copiesMax: copiesOf(from),
    queued: Math.min(Math.max(0, read.integerOf(from, 'queued-job-count') ?? 0), QUEUED_MAX_COUNT),
  };
}

/** Reasons of a printer as keywords, with the suffix that tells how grave they are. */
export function reasonsOf(from: read.Attributes, name: string): string[] {
  return read.stringsOf(from, name).filter((reason) => KEYWORD.test(reason));
}

/** One line without quotes, asterisks and what cannot be seen, of at most 127 bytes. */
export function plainText(text: string): PrinterFacts['info'] {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"*\\]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return cut(line, TEXT_MAX_BYTES).trimEnd() as PrinterFacts['info'];
}

/** As many whole characters as fit. */
export function cut(text: string, maxBytes: number): string {
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}

/** What is loaded and what is usual come first: the rest may not find room. */
function mediaOf(from: read.Attributes): string[] {
  const names = ['media-default', 'media-ready', 'media-supported'].flatMap((name) => read.stringsOf(from, name));
  return [...new Set(names.filter((name) => MEDIA.test(name)))].slice(0, MEDIA_MAX_COUNT);
}

function copiesOf(from: read.Attributes): number {
  const most = read.rangesOf(from, 'copies-supported').map(([, to]) => to);
  return Math.min(Math.max(1, ...most), COPIES_MAX_COUNT);
}

function stateOf(state: number | null, reasons: readonly string[]): PrinterFacts['state'] {
  if (reasons.some((reason) => /^(offline|shutdown)(-error|-report)?$/.test(reason))) return 'offline';
  if (state === PRINTER_STATE.stopped) return 'stopped';
  return state === PRINTER_STATE.processing ? 'printing' : 'idle';
}
