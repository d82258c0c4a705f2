/**
 * Documents of jobs on this PC's disk: one file a job, for this user only, until the job needs it no more.
 *
 * The name of a file is the id of its job and nothing that a peer chose.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { diskSpace } from '../platform/disk.js';
import { openPrivateFolder } from '../platform/paths.js';
import { checkPdf, type DocumentFormat, DocumentProbe } from '../../protocol/document.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId } from '../../protocol/ids.js';
import { DOCUMENT_MAX_BYTES, FREE_SPACE_FLOOR_BYTES } from '../../protocol/limits.js';

const READ_BYTES = 256 * 1024;
const NAME = /^([0-9a-f-]{36})\.doc$/;

export interface Examined {
  readonly format: DocumentFormat;
  readonly size: number;
  readonly sha256: string;
}

export class SpoolFiles {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes the folder and removes documents of jobs that need none. @throws PotluckError UNSAFE_FILES */
  static async open(folder: string, isNeeded: (id: string) => boolean): Promise<SpoolFiles> {
    openPrivateFolder(folder);
    for (const name of await readdir(folder)) {
      const id = NAME.exec(name)?.[1];
      if (id !== undefined && !isNeeded(id)) await rm(path.join(folder, name), { force: true });
    }
    return new SpoolFiles(folder);
  }

  fileOf(id: JobId): string {
    return path.join(this.folder, `${id}.doc`);
  }

  /** Bytes that are here. */
  async have(id: JobId): Promise<number> {
    return (await stat(this.fileOf(id)).catch(() => null))?.size ?? 0;
  }

  /**
   * @param promised  bytes of other jobs that are still to come
   * @throws PotluckError NO_SPACE
   */
  async needSpace(bytes: number, promised: number, signal: AbortSignal): Promise<void> {
    const space = await diskSpace(this.folder, signal);
    if (space !== null && space.free - promised - FREE_SPACE_FLOOR_BYTES < bytes) {
      throw new PotluckError('NO_SPACE', 'there is too little space for the document on the disk');
    }
  }

  /**
   * Writes bytes from `offset` on and cuts what was behind. When it resolves, they are on the disk.
   * @param onBytes  told of each lot
   * @throws PotluckError TOO_LARGE: more than `maxBytes` in all; NO_SPACE; what the source throws
   */
  async write(
    id: JobId,
    source: AsyncIterable<Uint8Array>,
    offset: number,
    maxBytes: number,
    signal: AbortSignal,
    onBytes: (bytes: Uint8Array) => void = () => undefined,
  ): Promise<void> {
    const handle = await open(
      this.fileOf(id),
      constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0),
      0o600,
    );
    try {
      await handle.truncate(offset);
      let at = offset;
      // Not a stream on the handle: one that does not close it keeps it from ever being closed.
      for await (const bytes of within(source, signal)) {
        if (at + bytes.length > maxBytes) {
          throw new PotluckError('TOO_LARGE', 'the document is larger than it was said to be');
        }
        onBytes(bytes);
        await writeAll(handle, bytes, at);
        at += bytes.length;
      }
      await handle.sync();
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw new PotluckError('NO_SPACE', 'no space left for the document', { cause: thrown });
      }
      throw thrown;
    } finally {
      await handle.close();
    }
  }

  /**
   * Copies a file of this PC into the spool and looks at it on the way.
   * @param name  of the file, for the sentence of a refusal
   * @throws PotluckError UNREADABLE, TOO_LARGE, FORMAT_UNSUPPORTED, DOCUMENT_DAMAGED, NO_SPACE; nothing is left then
   */
  async take(id: JobId, file: string, name: string, signal: AbortSignal): Promise<Examined> {
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((thrown: unknown) => {
      throw unreadable(name, thrown);
    });
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new PotluckError('UNREADABLE', `${name} is not a file`);
      if (stats.size > DOCUMENT_MAX_BYTES) throw new PotluckError('TOO_LARGE', `${name} is too large to be printed`);
      await this.needSpace(stats.size, 0, signal);
      const look = new Look();
      await this.write(id, bytesOf(handle), 0, DOCUMENT_MAX_BYTES, signal, (bytes) => look.write(bytes));
      return await this.#finish(id, name, look);
    } catch (thrown) {
      await this.remove(id);
      if (!(thrown instanceof PotluckError) && !signal.aborted) throw unreadable(name, thrown);
      throw thrown;
    } finally {
      await handle.close();
    }
  }

  /** Looks at a document that came from elsewhere. @throws PotluckError FORMAT_UNSUPPORTED, DOCUMENT_DAMAGED */
  async examine(id: JobId, name: string, signal: AbortSignal): Promise<Examined> {
    const look = new Look();
    const handle = await open(this.fileOf(id), 'r');
    try {
      for await (const bytes of within(bytesOf(handle), signal)) look.write(bytes);
    } finally {
      await handle.close();
    }
    return this.#finish(id, name, look);
  }

  async #finish(id: JobId, name: string, look: Look): Promise<Examined> {
    const format = look.probe.finish(name);
    if (format === 'application/pdf') {
      const handle = await open(this.fileOf(id), 'r');
      try {
        await checkPdf(name, look.size, async (offset, length) => {
          const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
          return buffer.subarray(0, bytesRead);
        });
      } finally {
        await handle.close();
      }
    }
    return { format, size: look.size, sha256: look.hash.digest('hex') };
  }

  async remove(id: JobId): Promise<void> {
    await rm(this.fileOf(id), { force: true });
  }
}

class Look {
  readonly probe = new DocumentProbe();
  readonly hash = createHash('sha256');
  size = 0;

  write(bytes: Uint8Array): void {
    this.size += bytes.length;
    this.hash.update(bytes);
    this.probe.write(bytes);
  }
}

/** A file from its beginning; each part is valid until the next is asked for. */
async function* bytesOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const memory = Buffer.alloc(READ_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(memory, 0, READ_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield memory.subarray(0, bytesRead);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function* within(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    signal.throwIfAborted();
    yield bytes;
  }
}

function unreadable(name: string, thrown: unknown): PotluckError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const why = { ENOENT: 'there is no such file', EACCES: 'this user may not read it', EISDIR: 'it is a folder' }[code];
  return new PotluckError(code === 'ENOENT' ? 'PATH_UNKNOWN' : 'UNREADABLE', `${name} cannot be read: ${why ?? code}`, {
    cause: thrown,
  });
}
