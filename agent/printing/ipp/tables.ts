/**
 * The numbers of IPP by their registered names: tags, operations, states and statuses.
 *
 * They come from the tables of the package `ipp`. Its parser and serializer are not used: a malformed answer
 * ends the process that calls them, and they lose what they do not know. Each name is looked up when this
 * module loads, so that a table without it stops the start and not a print.
 */
import assert from 'node:assert/strict';
import ipp from 'ipp';

type Table = Readonly<Record<string, unknown>>;

const tags = ipp.tags as Table;
const operations = ipp.operations as Table;
const enums = ipp.enums as Readonly<Record<string, Table>>;
const statuses = (ipp.statusCodes as Table)['lookup'] as readonly (string | undefined)[];

/** What begins a group of attributes, RFC 8010 §3.5.1. */
export const GROUP = {
  operation: number(tags, 'operation-attributes-tag'),
  job: number(tags, 'job-attributes-tag'),
  end: number(tags, 'end-of-attributes-tag'),
  printer: number(tags, 'printer-attributes-tag'),
  unsupported: number(tags, 'unsupported-attributes-tag'),
} as const;

/** Syntaxes of values, RFC 8010 §3.5.2. */
export const TAG = {
  noValue: number(tags, 'no-value'),
  integer: number(tags, 'integer'),
  boolean: number(tags, 'boolean'),
  enum: number(tags, 'enum'),
  octetString: number(tags, 'octetString'),
  dateTime: number(tags, 'dateTime'),
  resolution: number(tags, 'resolution'),
  range: number(tags, 'rangeOfInteger'),
  beginCollection: number(tags, 'begCollection'),
  textWithLanguage: number(tags, 'textWithLanguage'),
  nameWithLanguage: number(tags, 'nameWithLanguage'),
  endCollection: number(tags, 'endCollection'),
  text: number(tags, 'textWithoutLanguage'),
  name: number(tags, 'nameWithoutLanguage'),
  keyword: number(tags, 'keyword'),
  uri: number(tags, 'uri'),
  charset: number(tags, 'charset'),
  language: number(tags, 'naturalLanguage'),
  mimeType: number(tags, 'mimeMediaType'),
  memberName: number(tags, 'memberAttrName'),
} as const;

/** RFC 8011 §4; the last is of CUPS and in no table. */
export const OPERATION = {
  printJob: number(operations, 'Print-Job'),
  validateJob: number(operations, 'Validate-Job'),
  createJob: number(operations, 'Create-Job'),
  sendDocument: number(operations, 'Send-Document'),
  cancelJob: number(operations, 'Cancel-Job'),
  getJobAttributes: number(operations, 'Get-Job-Attributes'),
  getJobs: number(operations, 'Get-Jobs'),
  getPrinterAttributes: number(operations, 'Get-Printer-Attributes'),
  releaseJob: number(operations, 'Release-Job'),
  cupsGetPrinters: 0x4002,
} as const;

/** RFC 8011 §5.3.7. */
export const JOB_STATE = {
  pending: number(enums['job-state'], 'pending'),
  held: number(enums['job-state'], 'pending-held'),
  processing: number(enums['job-state'], 'processing'),
  stopped: number(enums['job-state'], 'processing-stopped'),
  canceled: number(enums['job-state'], 'canceled'),
  aborted: number(enums['job-state'], 'aborted'),
  completed: number(enums['job-state'], 'completed'),
} as const;

/** RFC 8011 §5.4.11. */
export const PRINTER_STATE = {
  idle: number(enums['printer-state'], 'idle'),
  processing: number(enums['printer-state'], 'processing'),
  stopped: number(enums['printer-state'], 'stopped'),
} as const;

/** RFC 8011 §B.1; those that decide what is done next. */
export const STATUS = {
  notPossible: 0x04_04,
  notFound: 0x04_06,
  gone: 0x04_07,
  attributes: 0x04_0b,
  formatUnsupported: 0x04_0a,
  formatError: 0x04_11,
  operationUnsupported: 0x05_01,
  versionUnsupported: 0x05_03,
  unavailable: 0x05_02,
  temporary: 0x05_05,
  notAccepting: 0x05_06,
  busy: 0x05_07,
} as const;

export function isSuccess(status: number): boolean {
  return status <= 0xff;
}

/** `client-error-not-found`, or the number where it has no name. */
export function statusName(status: number): string {
  return statuses[status] ?? `0x${status.toString(16).padStart(4, '0')}`;
}

function number(table: Table | undefined, name: string): number {
  const value = table?.[name];
  assert(typeof value === 'number', `the tables of ipp have no ${name}`);
  return value;
}
