/** `log`: what the agent has written down, for people; with --json the records as they are. */
import * as v from 'valibot';
import { LOG_TAIL_MAX_COUNT } from '../../../protocol/limits.js';
import { safe } from '../../../protocol/text.js';
import type { Context } from '../context.js';
import { readCount } from '../units.js';

const LINES_DEFAULT = 100;
/** The log has no event of its own; asking costs the agent a look at the size of a file. */
const ASK_AGAIN_MS = 500;

const Rec = v.looseObject({ at: v.string(), level: v.string(), msg: v.string(), part: v.optional(v.string()) });

export async function log({ args, call, out, signal }: Context): Promise<void> {
  const typed = args.value('lines');
  const lines = typed === null ? LINES_DEFAULT : readCount('--lines', typed, LOG_TAIL_MAX_COUNT);
  let answer = await call('agent.log', { lines });
  if (!args.has('follow')) {
    await out.result(answer.lines.map(valueOf), () => answer.lines.map(textOf).join('\n'));
    return;
  }
  for (;;) {
    for (const line of answer.lines) out.line(valueOf(line), textOf(line));
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    signal.throwIfAborted();
    answer = await call('agent.log', { lines: LOG_TAIL_MAX_COUNT, after: answer.offset });
  }
}

function valueOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return { msg: line };
  }
}

/** `10:05:12 warn  net link.closed peer=6ECFZQ5`. */
function textOf(line: string): string {
  const read = v.safeParse(Rec, valueOf(line));
  if (!read.success) return safe(line);
  const { at, level, msg, part, ...fields } = read.output;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return safe([at.slice(11, 19), level.padEnd(5), ...(part === undefined ? [] : [part]), msg, ...shown].join(' '));
}
