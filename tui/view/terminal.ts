/**
 * The terminal as a thing that is borrowed: its title, and the promise that it is given back as it was
 * when the UI ends by a key, an error, SIGTERM, SIGHUP or a closed terminal. Ink keeps the alternate
 * screen and the raw mode; this file sees to it that Ink is always told.
 */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const ESC = '\u{1B}';
/** xterm's stack of titles; terminals that do not know it ignore it. */
const KEEP_TITLE = `${ESC}[22;2t`;
const GIVE_TITLE_BACK = `${ESC}[23;2t`;

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
/** A stop signal takes effect within this time; a stopped process counts none. */
const STOP_MS = 50;

export interface Borrowed {
  /** Only our own words: a title is not a place for a text that somebody else chose. */
  readonly setTitle: (title: string) => void;
  /** Gives everything back. Idempotent. */
  readonly giveBack: () => void;
}

/** @param end  unmounts Ink, which restores the screen; called at most once, synchronously */
export function borrowTerminal(stdin: Readable, stdout: Writable, end: () => void): Borrowed {
  let isBorrowed = true;
  let title = '';
  const handlers = SIGNALS.map((name) => {
    const handler = (): void => {
      giveBack();
      // Raised again without a handler, so that whoever waits for this process sees how it ended.
      process.kill(process.pid, name);
    };
    process.once(name, handler);
    return [name, handler] as const;
  });
  const giveBack = (): void => {
    if (!isBorrowed) return;
    isBorrowed = false;
    for (const [name, handler] of handlers) process.off(name, handler);
    process.off('uncaughtExceptionMonitor', giveBack).off('exit', giveBack);
    stdin.off('end', giveBack);
    end();
    write(GIVE_TITLE_BACK);
  };
  const write = (text: string): void => {
    if (!stdout.destroyed) stdout.write(text);
  };
  // The monitor runs before Node prints the error, so that it is read on the screen that stays.
  process.once('uncaughtExceptionMonitor', giveBack).once('exit', giveBack);
  stdin.once('end', giveBack);
  // A terminal that was closed: nobody is there to be told.
  stdout.on('error', giveBack);
  write(KEEP_TITLE);
  return {
    setTitle(next) {
      if (!isBorrowed || next === title) return;
      title = next;
      write(`${ESC}]2;${next}\u{7}`);
    },
    giveBack,
  };
}

/** Stops this process as ctrl+z in a shell does, with whatever started it; resolves when it is continued. */
export async function stopProcess(): Promise<void> {
  process.kill(0, 'SIGTSTP');
  await sleep(STOP_MS);
}
