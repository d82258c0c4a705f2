/**
 * Time, handed down so that a test can make it pass: no other file calls setTimeout to wait.
 *
 * Wall time (`wallMs`) is for people only; nothing compares it between PCs. Deadlines and intervals use
 * monotonic time, which no change of the system clock moves.
 */

export interface Clock {
  /** Monotonic milliseconds since some fixed moment. */
  nowMs(): number;
  /** Milliseconds since 1970, as this PC believes. */
  wallMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls once after `ms`, unless cancelled by the function returned. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal.addEventListener('abort', stop, { once: true });
    });
  },
  after(ms, call) {
    const timer = setTimeout(call, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Bounds a wait in time: the work gets a signal that aborts with `signal` or after `ms`.
 * @throws the work's error; DOMException TimeoutError when the time ran out
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  deadline.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(deadline.reason as Error);
    deadline.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(deadline), aborted]);
  } finally {
    if (stop !== undefined) deadline.removeEventListener('abort', stop);
  }
}
