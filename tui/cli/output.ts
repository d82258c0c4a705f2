/**
 * All that a verb writes: one JSON document or text on stdout, progress and errors on stderr.
 */
import { ERROR_CODES, type PotluckError, type WireError } from '../../protocol/errors.js';
import { safe } from '../../protocol/text.js';
import { type Cell, type Column, type Paint, type Style, table } from './table.js';

export interface Stream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CODES: Record<Style, string> = { good: '32', bad: '31', faint: '2', strong: '1' };

export class Output {
  readonly json: boolean;
  readonly stderr: Stream;
  /** Is stdout a terminal that a person looks at? */
  readonly isTerminal: boolean;
  readonly #stdout: Stream;
  readonly #paint: Paint;

  constructor({ json, stdout, stderr, env }: OutputOptions) {
    this.json = json;
    this.stderr = stderr;
    this.#stdout = stdout;
    this.isTerminal = stdout.isTTY === true;
    const inColour = this.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
    this.#paint = (text, style) =>
      inColour && style !== undefined && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  }

  /** The one result of a verb: `value` as JSON, or the text of it. Nothing is written for an empty text. */
  async result(value: unknown, text: () => string | Promise<string>): Promise<void> {
    const written = this.json ? JSON.stringify(value) : await text();
    if (written !== '') this.#stdout.write(`${written}\n`);
  }

  /** One of many results of a verb that follows something. */
  line(value: unknown, text: string): void {
    this.#stdout.write(`${this.json ? JSON.stringify(value) : text}\n`);
  }

  /** Something that a person should know and a script need not. */
  say(text: string): void {
    this.stderr.write(`${safe(text)}\n`);
  }

  table(columns: readonly Column[], rows: readonly (readonly (string | Cell)[])[]): Promise<string> {
    return table(columns, rows, this.#paint);
  }

  /** `name  value` lines. */
  async pairs(pairs: readonly (readonly [string, string | Cell])[]): Promise<string> {
    const rows = pairs.map(([name, value]) => [{ text: name, style: 'faint' } as const, value]);
    const lines = await table([{ head: '' }, { head: '' }], rows, this.#paint);
    return lines.slice(lines.indexOf('\n') + 1);
  }

  paint(text: string, style: Style): string {
    return this.#paint(text, style);
  }

  /** Where a fault of ours happened, for who looks for it. */
  trace(thrown: unknown): void {
    if (thrown instanceof Error) this.stderr.write(`${thrown.stack ?? thrown.message}\n`);
  }

  /** @returns the exit code */
  fail(verb: string, error: PotluckError): number {
    const wire: WireError = error.toWire();
    if (this.json) this.#stdout.write(`${JSON.stringify({ error: wire })}\n`);
    else this.stderr.write(errorText(verb, wire));
    return ERROR_CODES[error.code].exit;
  }
}

/** One line, and one more where there is a command that mends it. */
export function errorText(verb: string, { code, message, hint }: WireError): string {
  const what = verb === '' ? '' : `${verb}: `;
  return `potluck: ${what}${safe(message)} (${code})\n${hint === undefined ? '' : `try: ${safe(hint)}\n`}`;
}
