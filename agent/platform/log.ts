/**
 * The agent's log: one JSON line a record, in a file that is renamed to `.1` when it is full.
 *
 * It is read by people who look for a fault and sent with bug reports, so nothing secret and no text
 * that a peer chose goes into it: callers give short ids and codes. As a second lock, fields with the
 * names of secrets are redacted and control characters cannot survive JSON.
 */
import { renameSync, statSync } from 'node:fs';
import pino from 'pino';
import { LOG_FILE_MAX_BYTES } from '../../protocol/limits.js';
import type { Closable } from './scope.js';

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with a name for the part of the agent that writes. */
  part(name: string): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const SECRETS = ['proof', 'code', 'token', 'key', 'group', 'authorization', 'pin', 'password'];
/** A look at the size of the file every so many records is enough. */
const RECORDS_PER_CHECK = 256;

/** @param path  the log file; a file of that name plus `.1` holds the time before */
export function openLog(path: string, level: LogLevel): Log & Closable {
  rotate(path);
  // Synchronous: a record that is written just before the process ends is there.
  const destination = pino.destination({ dest: path, sync: true, mode: 0o600, append: true });
  const root = pino(
    {
      level,
      base: null,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, censor: '·' },
    },
    destination,
  );
  let records = 0;
  const checked = (write: () => void): void => {
    write();
    records += 1;
    if (records % RECORDS_PER_CHECK === 0 && rotate(path)) destination.reopen();
  };
  return Object.assign(wrap(root, checked), {
    close: async (): Promise<void> => {
      destination.flushSync();
      destination.end();
    },
  });
}

/** A log that keeps nothing: for tests and for parts used outside an agent. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  part: () => silentLog,
};

function wrap(logger: pino.Logger, checked: (write: () => void) => void): Log {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void =>
      checked(() => logger[level](fields, event));
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    part: (name) => wrap(logger.child({ part: name }), checked),
  };
}

/** @returns whether the file was moved away */
function rotate(path: string): boolean {
  try {
    if (statSync(path).size < LOG_FILE_MAX_BYTES) return false;
    renameSync(path, `${path}.1`);
    return true;
  } catch {
    // No file yet, or it cannot be moved: it goes on growing rather than stop the agent.
    return false;
  }
}
