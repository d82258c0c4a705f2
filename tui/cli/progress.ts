/** How far something is, on stderr: one line that is drawn again on a terminal, a line now and then elsewhere. */
import { safe } from '../../protocol/text.js';
import type { Arguments } from './arguments.js';
import type { Output, Stream } from './output.js';

const REDRAW_MS = 100;
const REPEAT_MS = 2000;
const COLUMNS_DEFAULT = 80;
const CLEAR = '\r\u001b[2K';

export class Progress {
  readonly #stream: Stream | null;
  readonly #now: () => number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #last = '';
  #isDrawn = false;

  /** @param stream  null to show nothing */
  constructor(stream: Stream | null, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** Shown at most so often as a person can read; dropped otherwise. */
  show(text: string): void {
    const stream = this.#stream;
    if (stream === null || text === this.#last) return;
    const inPlace = stream.isTTY === true;
    if (this.#now() - this.#lastMs < (inPlace ? REDRAW_MS : REPEAT_MS)) return;
    this.#lastMs = this.#now();
    this.#last = text;
    const line = safe(text);
    // A line that wraps could not be drawn again in its place.
    stream.write(inPlace ? CLEAR + line.slice(0, (stream.columns ?? COLUMNS_DEFAULT) - 1) : `${line}\n`);
    this.#isDrawn = inPlace;
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.#isDrawn) this.#stream?.write(CLEAR);
    this.#isDrawn = false;
    this.#last = '';
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}

/** On a terminal unless told otherwise. */
export function openProgress(args: Arguments, out: Output): Progress {
  const wanted = args.has('progress') || (out.stderr.isTTY === true && !args.has('no-progress'));
  return new Progress(wanted ? out.stderr : null);
}
