/**
 * How a test is written: `spec(subject, (it) => it('does this', body))`, on top of uvu.
 *
 * uvu by itself ends green when a hook throws, when a case rejects with something that is not an
 * Error and when nothing ran at all, and it waits for ever for a case that hangs. So there are no
 * hooks here (`t.defer` cleans up and its failure fails the case), every case has a time limit, and
 * what was registered is counted apart from what was run: test/run.ts compares the two.
 */
import { suite } from 'uvu';

const CASE_LIMIT_MS = 10_000;

export interface Tally {
  registered: number;
  passed: number;
  failed: number;
  /** What was not run on this machine, each as "subject: case (reason)". */
  readonly skipped: string[];
}

export const tally: Tally = { registered: 0, passed: 0, failed: 0, skipped: [] };

/** What one running case may use. */
export interface Case {
  /** Aborted when the case has ended or has run out of time. */
  readonly signal: AbortSignal;
  /** Runs when the case is over, the last one registered first. A failure in it fails the case. */
  defer(cleanup: () => unknown): void;
}

export interface CaseOptions {
  /** How long the case may take; 10 s unless told. */
  readonly limitMs?: number;
  /** Says why the case cannot run on this machine, or null when it can. A skip fails under CI=true. */
  readonly needs?: () => string | null;
}

export type It = (says: string, body: (t: Case) => unknown, options?: CaseOptions) => void;

/** Declares the cases of one subject. May be called several times in a file. */
export function spec(subject: string, declare: (it: It) => void): void {
  const cases = suite(subject);
  declare((says, body, options = {}) => {
    const reason = options.needs?.() ?? null;
    if (reason !== null) {
      tally.skipped.push(`${subject}: ${says} (${reason})`);
      return;
    }
    tally.registered += 1;
    cases(says, () => runCase(body, options.limitMs ?? CASE_LIMIT_MS));
  });
  cases.run();
}

async function runCase(body: (t: Case) => unknown, limitMs: number): Promise<void> {
  const ended = new AbortController();
  const cleanups: Array<() => unknown> = [];
  const failures: unknown[] = [];
  const attempt = async (work: () => unknown): Promise<void> => {
    try {
      await withLimit(work, limitMs);
    } catch (thrown) {
      failures.push(thrown ?? new Error('rejected with nothing'));
    }
  };

  await attempt(() => body({ signal: ended.signal, defer: (cleanup) => void cleanups.push(cleanup) }));
  ended.abort();
  for (const cleanup of cleanups.toReversed()) await attempt(cleanup);

  if (failures.length === 0) {
    tally.passed += 1;
    return;
  }
  tally.failed += 1;
  const [first] = failures;
  throw first instanceof Error ? first : new Error(`thrown: ${String(first)}`);
}

async function withLimit(work: () => unknown, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([(async () => work())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
