/**
 * One run of one download: from the names that were asked for to files in place.
 *
 * The coworker's folder is walked while its files are described and fetched, three steps that overlap and wait
 * for each other only when there is too much in hand. A run ends when all is here or has failed by itself, or
 * it throws what keeps all of it from going on; then another run continues from what is on the disk.
 */
import { closeSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { PieceSocket } from '../net/piece-socket.js';
import type { Clock } from '../platform/clock.js';
import type { Hasher } from '../platform/hasher.js';
import { type OpenFile, openShareFile } from '../platform/share-files.js';
import { syncFile, syncVolume } from '../platform/sync-volume.js';
import { failure } from '../storage/partial.js';
import { makePartsFolder, removeParts, removeStrayParts, takenNames } from '../storage/placing.js';
import type { Reservation, Reservations } from '../storage/reservations.js';
import type { StoredTransfer, TransferStore } from '../storage/transfers.js';
import { type ErrorCode, isErrorCode } from '../../protocol/errors.js';
import type { PeerId, ShareId } from '../../protocol/ids.js';
import { DESCRIBE_MAX_COUNT, DESCRIBES_AT_ONCE_MAX_COUNT, STALE_FILES_MAX_COUNT } from '../../protocol/limits.js';
import { pieceCount } from '../../protocol/manifest.js';
import { nameOf, safeName, type WirePath } from '../../protocol/path.js';
import { PieceFetcher } from './fetch-piece.js';
import { FilePump, partOf, type WantedFile } from './file-pump.js';
import { PlacedFiles } from './placed-files.js';
import { Progress } from './progress.js';
import { makeFolder, makeNewFolder, type PlannedFile, type RemoteFiles, TreeWalk } from './tree-walk.js';

/** What a download needs of the rest of the agent. */
export interface DownloadServices {
  readonly remote: RemoteFiles;
  /** @throws PotluckError PEER_OFFLINE, PEER_UNREACHABLE */
  readonly openPieces: (peer: PeerId, signal: AbortSignal) => Promise<PieceSocket>;
  readonly hasher: Hasher;
  readonly store: TransferStore;
  readonly reservations: Reservations;
  readonly clock: Clock;
}

export type Found = NonNullable<StoredTransfer['found']>;

/** What happens on the way that has to be remembered at once. */
export interface DownloadEvents {
  readonly onFound: (found: Found) => void;
  /** The file or folder has its name in the target folder. */
  readonly onNamed: (name: string) => void;
  /** Asked: is this another download of this agent, and over? */
  readonly isOver: (transfer: string) => boolean;
}

/** A file that waits to be described, and how often it was. */
interface Undescribed extends PlannedFile {
  readonly tries: number;
}

/** From so long a wait on it is said that the coworker hashes. */
const HASHING_SHOWN_MS = 300;

export class Download {
  readonly progress: Progress;
  readonly #transfer: StoredTransfer;
  readonly #services: DownloadServices;
  readonly #events: DownloadEvents;
  /** May files be in place already that no record tells of? */
  readonly #isAgain: boolean;
  readonly #reservations: Reservation[] = [];
  readonly #stale: Undescribed[] = [];
  readonly #describing: Promise<() => Promise<void>>[] = [];
  readonly #placedFiles: PlacedFiles;
  #pump: FilePump | null = null;
  #parts = '';
  #found: Found | null = null;
  /** Of the file placed last. */
  #placedName: string | null = null;
  #wake: () => void = () => undefined;
  #waitsSinceMs: number | null = null;
  #hashed: { done: number; total: number } | null = null;

  constructor(transfer: StoredTransfer, isAgain: boolean, services: DownloadServices, events: DownloadEvents) {
    this.#transfer = transfer;
    this.#isAgain = isAgain;
    this.#services = services;
    this.#events = events;
    this.progress = new Progress(transfer);
    const { store, clock } = services;
    this.#placedFiles = new PlacedFiles({ transfer: transfer.id, folder: transfer.target, store, clock });
  }

  /**
   * @param signal  ends the run and keeps what is here
   * @throws PotluckError what keeps all of it from going on
   */
  async run(signal: AbortSignal): Promise<void> {
    const { peer, target, id } = this.#transfer;
    const found = await this.#find(signal);
    try {
      mkdirSync(target, { recursive: true });
    } catch (thrown) {
      throw failure(thrown);
    }
    this.#parts = makePartsFolder(target, id);
    removeStrayParts(target, this.#events.isOver);
    const socket = await this.#services.openPieces(peer, signal);
    const pump = this.#makePump(new PieceFetcher(socket, this.#services.clock));
    this.#pump = pump;
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      const walk = found.type === 'folder' ? this.#walk(found) : null;
      await this.#fetchAll(walk?.files(signal) ?? [[this.#fileItself(found)]], found.share, signal);
      if (walk !== null) await syncVolume(target, signal);
      else if (this.#placedName !== null) await syncFile(path.join(target, this.#placedName));
      walk?.finish();
    } finally {
      signal.removeEventListener('abort', wake);
      for (const described of this.#describing) described.catch(() => undefined);
      await pump.close();
      await this.#placedFiles.close();
      for (const reservation of this.#reservations) reservation.release();
    }
    removeParts(target, id);
  }

  /** What it waits for, when that is somebody's hashing. */
  get hashing(): string | null {
    if (this.#pump?.isChecking === true) return 'checking what is here already';
    const since = this.#waitsSinceMs;
    if (since === null || this.#services.clock.nowMs() - since < HASHING_SHOWN_MS) return null;
    const { peerName } = this.#transfer;
    if (this.#hashed === null) return `${peerName} is looking at its files`;
    const { done, total } = this.#hashed;
    return `${peerName} is hashing its files, ${Math.floor((100 * done) / Math.max(1, total))} %`;
  }

  /** Called several times a second: remembers what was placed, and that it is safe. */
  look(elapsedMs: number): void {
    this.progress.look(elapsedMs);
    this.#placedFiles.look();
  }

  /** The place at the coworker; asked each time, because a share may have been set up anew since. */
  async #find(signal: AbortSignal): Promise<Found> {
    const { peer, share, path: wanted } = this.#transfer;
    const place = await this.#services.remote.resolve(peer, share, wanted, signal);
    const found: Found = {
      share: place.share.id,
      path: place.path,
      type: place.entry?.type ?? 'folder',
      name: place.entry === null ? place.share.name : nameOf(place.path),
    };
    this.#found = found;
    this.#events.onFound(found);
    return found;
  }

  #makePump(fetcher: PieceFetcher): FilePump {
    const { progress } = this;
    return new FilePump({
      fetcher,
      hasher: this.#services.hasher,
      parts: this.#parts,
      onConflict: this.#transfer.onConflict,
      onBytes: (bytes, isFetched) => {
        progress.bytes += bytes;
        if (isFetched) progress.fetched += bytes;
      },
      onWrong: (bytes) => void (progress.wrong += bytes),
      onPlaced: (file, name) => this.#placed(file, name ?? file.name),
      onFailed: ({ path: file }, code) => progress.fail(file, code),
      onStale: (file, code) => this.#describeAgain(file, file.tries, code),
      onRoom: () => this.#wake(),
    });
  }

  #walk({ name, share, path: wanted }: Found): TreeWalk {
    const { target, placedName, onConflict, peer } = this.#transfer;
    let folder: string;
    if (placedName !== null) folder = makeFolder(path.join(target, placedName));
    else if (onConflict === 'rename') folder = makeNewFolder(path.join(target, safeName(name)));
    else folder = makeFolder(path.join(target, safeName(name)));
    this.#events.onNamed(path.basename(folder));
    const onFailed = (file: string, code: ErrorCode): void => {
      this.progress.files += 1;
      this.progress.fail(file, code);
    };
    return new TreeWalk({
      remote: this.#services.remote,
      peer,
      share,
      path: wanted,
      folder,
      modified: null,
      onFailed,
    });
  }

  #fileItself({ name, path: file }: Found): PlannedFile {
    return { path: file, folder: this.#transfer.target, name: safeName(name), size: 0, modified: 0, content: null };
  }

  async #fetchAll(
    pages: AsyncIterable<readonly PlannedFile[]> | Iterable<readonly PlannedFile[]>,
    share: ShareId,
    signal: AbortSignal,
  ): Promise<void> {
    let lot: Undescribed[] = [];
    for await (const page of pages) {
      for (const file of page) {
        this.progress.planned(file.size);
        if (this.#isAgain && this.#services.store.isSafe(this.#transfer.id, file.path))
          this.progress.alreadyHere(file.size);
        else lot.push({ ...file, tries: 0 });
        if (lot.length < DESCRIBE_MAX_COUNT) continue;
        await this.#describe(lot, share, signal);
        lot = [];
      }
    }
    await this.#describe([...lot, ...this.#stale.splice(0)], share, signal);
    while (this.#describing.length > 0 || this.#stale.length > 0 || (this.#pump?.count ?? 0) > 0) {
      if (this.#stale.length > 0) await this.#describe(this.#stale.splice(0), share, signal);
      else if (this.#describing.length > 0) await this.#takeDescribed(signal);
      else await this.#room(signal);
    }
    this.#throwIfOver(signal);
  }

  /** Asks for the descriptions that the listing did not hold, and waits while enough of them are on their way. */
  async #describe(lot: readonly Undescribed[], share: ShareId, signal: AbortSignal): Promise<void> {
    if (lot.length === 0) return;
    while (this.#describing.length >= DESCRIBES_AT_ONCE_MAX_COUNT) await this.#takeDescribed(signal);
    const paths = lot.filter(({ content }) => content === null).map((file) => file.path);
    const { peer } = this.#transfer;
    const onProgress = (done: number | null, total: number | null): void => {
      this.#hashed = done === null || total === null ? null : { done, total };
    };
    const ask = async (): Promise<() => Promise<void>> => {
      const { remote } = this.#services;
      const answers = paths.length === 0 ? [] : await remote.describe(peer, share, paths, onProgress, signal);
      const next = answers.values();
      const items = lot.map(({ size, modified, content }) =>
        content === null ? next.next().value : ({ ok: true, size, modified, content } as const),
      );
      return () => this.#takeItems(lot, items, signal);
    };
    const asked = ask();
    // Taken in its turn; until then a failure of it is not unheard.
    asked.catch(() => undefined);
    this.#describing.push(asked);
  }

  async #takeDescribed(signal: AbortSignal): Promise<void> {
    const [first] = this.#describing;
    if (first === undefined) return;
    this.#waitsSinceMs = this.#services.clock.nowMs();
    try {
      const take = await first;
      this.#waitsSinceMs = null;
      await take();
      void this.#describing.shift();
    } finally {
      this.#waitsSinceMs = null;
      this.#hashed = null;
    }
    while (this.#pump?.hasRoom === false) await this.#room(signal);
    this.#throwIfOver(signal);
  }

  async #takeItems(
    lot: readonly Undescribed[],
    items: readonly (Awaited<ReturnType<RemoteFiles['describe']>>[number] | undefined)[],
    signal: AbortSignal,
  ): Promise<void> {
    const described: (Undescribed & Pick<WantedFile, 'content' | 'modified'>)[] = [];
    for (const [at, file] of lot.entries()) {
      const item = items[at];
      if (item?.ok !== true) {
        const code = item !== undefined && isErrorCode(item.code) ? item.code : 'FAILED';
        if (code === 'GONE' || code === 'BUSY') this.#describeAgain(file, file.tries, code);
        else this.progress.fail(file.path, code);
        continue;
      }
      // What has bytes has a content, and nothing else has: whoever says otherwise has nothing to be fetched.
      if ((item.size === 0) !== (item.content === null)) {
        this.progress.fail(file.path, 'BAD_MESSAGE');
        continue;
      }
      this.progress.resized(file.size, item.size);
      described.push({ ...file, size: item.size, content: item.content, modified: item.modified });
    }
    const missing = await this.#missing(described, signal);
    if (missing.length === 0) return;
    const sized = missing.map((file) => ({ ...file, kept: this.#kept(file) }));
    const bytes = sized.reduce((sum, file) => sum + Math.max(0, file.size - file.kept), 0);
    const reservation = await this.#services.reservations.reserve(this.#transfer.target, bytes, signal);
    this.#reservations.push(reservation);
    this.#pump?.push(sized.map((file) => ({ ...file, reservation })));
  }

  /** Leaves out the files that are in place: to be skipped, or placed by a run whose end was not recorded. */
  async #missing<F extends PlannedFile & Pick<WantedFile, 'content'>>(
    files: readonly F[],
    signal: AbortSignal,
  ): Promise<F[]> {
    const { onConflict } = this.#transfer;
    if (!this.#isAgain && onConflict !== 'skip') return [...files];
    const missing: F[] = [];
    const alike: { readonly file: F; readonly name: string; readonly open: OpenFile }[] = [];
    try {
      for (const file of files) {
        let isSkipped = false;
        for (const { name, stats } of takenNames(file.folder, file.name)) {
          if (onConflict === 'skip') isSkipped = true;
          else if (this.#isAgain && stats.isFile() && stats.size === file.size) {
            alike.push({ file, name, open: openShareFile(file.folder, name as WirePath) });
          }
          if (isSkipped || alike.length >= 4 * DESCRIBE_MAX_COUNT) break;
        }
        if (isSkipped) this.progress.alreadyHere(file.size);
        else missing.push(file);
      }
      if (alike.length === 0) return missing;
      const hashed = await this.#services.hasher.hash(
        alike.map(({ open }) => open),
        () => undefined,
        signal,
      );
      const here = new Set<F>();
      for (const [at, { file, name }] of alike.entries()) {
        const outcome = hashed[at];
        if (outcome === undefined || 'code' in outcome || outcome.content !== file.content || here.has(file)) continue;
        here.add(file);
        this.progress.bytes += file.size;
        this.#placed(file, name);
      }
      return missing.filter((file) => !here.has(file));
    } finally {
      for (const { open } of alike) closeSync(open.fd);
    }
  }

  /** Bytes on the disk that belong to the file's part of an earlier run. */
  #kept(file: PlannedFile): number {
    if (!this.#isAgain || pieceCount(file.size) < 2) return 0;
    const stats = statSync(partOf(this.#parts, file.path), { throwIfNoEntry: false });
    return stats === undefined ? 0 : Math.min(file.size, stats.blocks * 512);
  }

  #placed(file: PlannedFile, name: string): void {
    this.progress.filesDone += 1;
    this.#placedName = name;
    if (this.#found?.type === 'file') this.#events.onNamed(name);
    this.#placedFiles.add({ path: file.path, bytes: file.size });
  }

  #describeAgain(file: PlannedFile, tries: number, code: ErrorCode): void {
    if (tries + 1 >= STALE_FILES_MAX_COUNT) this.progress.fail(file.path, code);
    else this.#stale.push({ ...file, content: null, tries: tries + 1 });
    this.#wake();
  }

  /** Waits until the pump has done something. */
  async #room(signal: AbortSignal): Promise<void> {
    this.#throwIfOver(signal);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#throwIfOver(signal);
  }

  #throwIfOver(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#pump?.failure) throw this.#pump.failure;
  }
}
