/**
 * The printer that needs no print system: a folder into which jobs fall as the bytes that were sent.
 *
 * A document is written under a hidden name with the job's token, made durable, and then linked to its own
 * name, which never replaces a file that is there. Whoever watches the folder sees whole files only, and may
 * take them away at once: that a job is done is known from the hidden file being gone.
 */
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { SystemJob } from '../../core/print-job.js';
import { DOCUMENT_FORMATS, extensionOf } from '../../../protocol/document.js';
import { PotluckError } from '../../../protocol/errors.js';
import { COPIES_MAX_COUNT } from '../../../protocol/limits.js';
import { numberedName, safeName } from '../../../protocol/path.js';
import type { PrinterFacts, PrintOrder, SystemPrinter } from './system.js';

const NAMES_MAX_COUNT = 1000;

export class Tray implements SystemPrinter {
  readonly uri: string;
  readonly suggestedName = 'Tray';
  readonly holds = true;
  readonly #folder: string;

  /** @param folder  absolute; made when it is first needed */
  constructor(folder: string) {
    this.#folder = folder;
    this.uri = `tray:${folder}`;
  }

  async facts(): Promise<PrinterFacts> {
    const reachable = await this.#makeFolder().then(
      () => true,
      () => false,
    );
    return {
      state: reachable ? 'idle' : 'offline',
      accepting: reachable,
      reasons: [],
      info: 'jobs are put into a folder' as PrinterFacts['info'],
      location: '' as PrinterFacts['location'],
      formats: DOCUMENT_FORMATS,
      // The bytes are kept as they are, so whatever is asked for is still in them.
      color: true,
      duplex: true,
      media: [],
      mediaDefault: null,
      copiesMax: COPIES_MAX_COUNT,
      queued: 0,
    };
  }

  /** Nothing has a name before the document is in. */
  async create(): Promise<null> {
    await guarded(() => this.#makeFolder());
    return null;
  }

  async send(_ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<string> {
    const hidden = this.#hidden(order);
    await guarded(async () => {
      await this.#makeFolder();
      await copyFile(order.file, hidden, constants.COPYFILE_FICLONE);
      const handle = await open(hidden, 'r+');
      try {
        await handle.chmod(0o600);
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
    signal.throwIfAborted();
    return order.token;
  }

  async release(_ref: string, order: PrintOrder): Promise<SystemJob> {
    const hidden = this.#hidden(order);
    await guarded(async () => {
      // A second link is its own name: only the hidden one is left to be taken away.
      if ((await lstat(hidden)).nlink === 1) await this.#name(hidden, order);
      await rm(hidden, { force: true });
      await syncFolder(this.#folder);
    });
    return inTray(order, true);
  }

  /**
   * With a ref the document was whole under its hidden name, and only `release` takes that away. Without one
   * it may be half, and is written anew.
   */
  async find(ref: string | null, order: PrintOrder): Promise<SystemJob | null> {
    if (ref === null) return null;
    return inTray(order, (await lstat(this.#hidden(order)).catch(() => null)) === null);
  }

  async cancel(_ref: string, order: PrintOrder): Promise<void> {
    await rm(this.#hidden(order), { force: true });
  }

  async #name(hidden: string, order: PrintOrder): Promise<void> {
    for (let number = 1; number <= NAMES_MAX_COUNT; number++) {
      if (await place(hidden, path.join(this.#folder, nameOf(order, number)))) return;
    }
    throw new PotluckError('PRINTER_FAILED', 'the tray has too many files of the same name');
  }

  #hidden(order: PrintOrder): string {
    return path.join(this.#folder, `.${order.token}.part`);
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }
}

function inTray(order: PrintOrder, isDone: boolean): SystemJob {
  return {
    ref: order.token,
    state: isDone ? 'completed' : 'held',
    documents: 1,
    reasons: isDone ? ['job-completed-successfully'] : [],
    printerReasons: [],
    isPrinterStopped: false,
    message: '',
    pages: null,
  };
}

/** `2026-11-21 14.02.07 A letter.pdf`: the time when it was asked for, in the time zone of this PC. */
function nameOf(order: PrintOrder, number: number): string {
  const at = new Date(order.askedMs);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
  const extension = extensionOf(order.format);
  // A title is often the name of a file, with an extension that may not be what the bytes are.
  const title = order.ticket.title.replace(/\.(?:pdf|jpe?g|png|txt)$/i, '');
  const name = safeName(`${day} ${time} ${title}.${extension}`);
  return number === 1 ? name : numberedName(name, number);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Gives the hidden file its name. @returns false when the name is taken by another file */
async function place(hidden: string, final: string): Promise<boolean> {
  try {
    await link(hidden, final);
    return true;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw thrown;
  }
  // A disk without links, like a USB stick: between the look and the rename nobody else names files here.
  if ((await lstat(final).catch(() => null)) !== null) return false;
  await rename(hidden, final);
  return true;
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Failures of the disk in our words, without the path: a coworker is told of them. */
async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) throw thrown;
    const code = codeOf(thrown);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new PotluckError('NO_SPACE', 'the tray is full', { cause: thrown });
    }
    throw new PotluckError('PRINTER_FAILED', `the folder of the tray cannot be written: ${code}`, { cause: thrown });
  }
}

function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  return typeof code === 'string' ? code : '';
}
