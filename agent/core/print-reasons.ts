/**
 * What printers suffer from, in words for people. Pure.
 *
 * A reason of IPP ends in `-error` when the printer stands still because of it, in `-warning` or `-report`
 * when it only tells; without a suffix it is as grave as its kind (RFC 8011 §5.4.12). What is kept of a
 * reason has no suffix any more: then a reason about paper, covers or power means that the printer stands.
 */

/** As many as a report or a printer carries. */
const REASONS_MAX_COUNT = 16;
const SUFFIX = /-(error|warning|report)$/;

interface Words {
  /** Beside the name of a printer. */
  readonly short: string;
  /** About a job; `%` stands for the name of the printer's PC. */
  readonly sentence: string;
}

/** Reasons for which a printer stands still. */
const GRAVE: ReadonlyMap<string, Words> = new Map([
  words('media-empty', 'out of paper', 'out of paper at %; the job goes on when there is some'),
  words('media-needed', 'needs other paper', 'other paper is needed at %; the job goes on when it is there'),
  words('media-jam', 'paper is jammed', 'paper is jammed in the printer at %'),
  words('input-tray-missing', 'a paper tray is missing', 'a paper tray is missing at %'),
  words('cover-open', 'a cover is open', 'a cover of the printer is open at %'),
  words('door-open', 'a door is open', 'a door of the printer is open at %'),
  words('interlock-open', 'a cover is open', 'a cover of the printer is open at %'),
  words('toner-empty', 'out of toner', 'out of toner at %'),
  words('marker-supply-empty', 'out of ink or toner', 'out of ink or toner at %'),
  words('marker-waste-full', 'its waste container is full', 'the waste container of the printer is full at %'),
  words('output-tray-missing', 'an output tray is missing', 'an output tray is missing at %'),
  words('output-area-full', 'its output tray is full', 'the output tray of the printer is full at %'),
  words('paused', 'paused', 'the printer is paused at %; it can be resumed there'),
  words('moving-to-paused', 'paused', 'the printer is paused at %; it can be resumed there'),
  words('offline', 'switched off or not reachable', '% cannot reach the printer: is it switched on?'),
  words('shutdown', 'switched off', 'the printer at % is switched off'),
  words('timed-out', 'does not answer', 'the printer does not answer %'),
  words('spool-area-full', 'has no room', 'the printer at % has no room for the job'),
  words('cups-missing-filter', 'its driver is not complete', 'the driver of the printer is not complete at %'),
]);
const OTHER: Words = { short: 'needs attention', sentence: 'the printer at % needs attention' };

/** Told, and nothing stops for it. */
const LOW: ReadonlyMap<string, string> = new Map([
  ['toner-low', 'toner is low'],
  ['marker-supply-low', 'ink or toner is low'],
  ['media-low', 'paper is low'],
  ['marker-waste-almost-full', 'its waste container is nearly full'],
]);

/** CUPS reports with these words, though no job gets through. */
const GRAVE_REPORTS: ReadonlySet<string> = new Set(['offline-report', 'cups-missing-filter-warning']);

function words(reason: string, short: string, sentence: string): [string, Words] {
  return [reason, { short, sentence }];
}

const plain = (reason: string): string => reason.replace(SUFFIX, '');

function isBlocking(reason: string): boolean {
  const suffix = SUFFIX.exec(reason)?.[1];
  if (suffix === 'error' || GRAVE_REPORTS.has(reason)) return true;
  return suffix === undefined && GRAVE.has(reason);
}

/** The first reason for which the printer stands still, without its suffix; null when there is none. */
export function blockingReason(reasons: readonly string[]): string | null {
  const blocking = reasons.find(isBlocking);
  return blocking === undefined ? null : plain(blocking);
}

/**
 * The reasons worth telling, without suffixes: those for which the printer stands, then what is getting low,
 * then those of the job. A warning about paper that the printer does without is left out.
 */
export function plainReasons(reasons: readonly string[]): string[] {
  const blocking = reasons.filter(isBlocking);
  const low = reasons.filter((reason) => LOW.has(plain(reason)));
  const others = reasons.filter((reason) => reason !== 'none' && !SUFFIX.test(reason));
  return [...new Set([...blocking, ...low, ...others].map(plain))].slice(0, REASONS_MAX_COUNT);
}

/**
 * Why a job stands still.
 * @param reason  without suffix
 * @param owner   name of the printer's PC
 */
export function reasonSentence(reason: string, owner: string): string {
  // A function, because `$&` in a name would mean something in a text.
  return (GRAVE.get(reason) ?? OTHER).sentence.replace('%', () => owner);
}

/** What is known about a printer, whoever owns it. */
export interface PrinterCondition {
  readonly state: 'idle' | 'printing' | 'stopped' | 'offline';
  readonly accepting: boolean;
  /** Without suffixes. */
  readonly reasons: readonly string[];
}

/** A few words about a printer: "ready", "out of paper", "paused". */
export function conditionWords({ state, accepting, reasons }: PrinterCondition): string {
  const grave = reasons.map((reason) => GRAVE.get(reason)).find((found) => found !== undefined);
  if (grave !== undefined) return grave.short;
  if (state === 'stopped') return 'paused';
  if (!accepting) return 'takes no jobs';
  const base = { idle: 'ready', printing: 'printing', offline: 'offline' }[state];
  const low = reasons.map((reason) => LOW.get(reason)).find((found) => found !== undefined);
  return low === undefined ? base : `${base}, ${low}`;
}
