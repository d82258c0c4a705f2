/**
 * The errors that cross a border: agent to agent, agent to client, client to person.
 *
 * A code is part of the protocol: never renamed, never reused. This table is the only list; the exit
 * codes of the CLI and the advice on the screen are read from it. SPEC.md, "Errors".
 */

interface CodeInfo {
  /** Exit status of a CLI verb: 1 failed, 2 wrong usage, 3 no agent, 4 not found, 5 not allowed,
   *  6 offline, 7 cancelled or declined, 8 integrity, 9 no space or quota. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  /** May the same call succeed later with nothing changed by the caller? */
  readonly retry: boolean;
}

export const ERROR_CODES = {
  USAGE: { exit: 2, retry: false },
  PEER_AMBIGUOUS: { exit: 2, retry: false },
  NO_AGENT: { exit: 3, retry: true },
  PEER_UNKNOWN: { exit: 4, retry: false },
  SHARE_UNKNOWN: { exit: 4, retry: false },
  PATH_UNKNOWN: { exit: 4, retry: false },
  PRINTER_UNKNOWN: { exit: 4, retry: false },
  JOB_UNKNOWN: { exit: 4, retry: false },
  TRANSFER_UNKNOWN: { exit: 4, retry: false },
  NOT_ALLOWED: { exit: 5, retry: false },
  NOT_A_MEMBER: { exit: 5, retry: false },
  INVITE_REFUSED: { exit: 5, retry: false },
  UNSAFE_FILES: { exit: 5, retry: false },
  PEER_OFFLINE: { exit: 6, retry: true },
  PEER_UNREACHABLE: { exit: 6, retry: true },
  TIMEOUT: { exit: 6, retry: true },
  CANCELLED: { exit: 7, retry: false },
  DECLINED: { exit: 7, retry: false },
  INTEGRITY: { exit: 8, retry: true },
  NO_SPACE: { exit: 9, retry: true },
  QUOTA: { exit: 9, retry: true },
  NO_WORKGROUP: { exit: 1, retry: false },
  ALREADY_MEMBER: { exit: 1, retry: false },
  ALREADY_EXISTS: { exit: 1, retry: false },
  NAME_INVALID: { exit: 2, retry: false },
  FORMAT_UNSUPPORTED: { exit: 1, retry: false },
  DOCUMENT_DAMAGED: { exit: 1, retry: false },
  TOO_LARGE: { exit: 1, retry: false },
  PRINTER_FAILED: { exit: 1, retry: true },
  UNREADABLE: { exit: 1, retry: true },
  GONE: { exit: 1, retry: true },
  BUSY: { exit: 1, retry: true },
  BAD_MESSAGE: { exit: 1, retry: false },
  UNSUPPORTED: { exit: 1, retry: false },
  AGENT_RUNNING: { exit: 1, retry: false },
  PARTIAL: { exit: 1, retry: true },
  FAILED: { exit: 1, retry: true },
  INTERNAL: { exit: 1, retry: true },
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

/** What leaves an agent: never a stack; to a peer also never a local path. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** A failure that the world may cause. `message` is one line: what failed, why. `hint`: the command that mends it. */
export class PotluckError extends Error {
  override readonly name = 'PotluckError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }
}

/** Any thrown value as ours: an abort is CANCELLED, what we do not know is INTERNAL. */
export function toPotluckError(thrown: unknown): PotluckError {
  if (thrown instanceof PotluckError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return thrown.cause instanceof PotluckError
      ? thrown.cause
      : new PotluckError('CANCELLED', 'cancelled', { cause: thrown });
  }
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new PotluckError('TIMEOUT', 'no answer in time', { cause: thrown });
  }
  return new PotluckError('INTERNAL', 'unexpected failure', { cause: thrown });
}
