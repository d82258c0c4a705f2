/**
 * The files of one transfer that are in place: remembered in lots, and made safe from a power cut now and then.
 *
 * A record of its own for each file, synced by itself, would take longer than fetching the file. Only what was
 * recorded before a sync of the disk began is safe when it has ended.
 */
import type { Clock } from '../platform/clock.js';
import { syncVolume } from '../platform/sync-volume.js';
import type { PlacedFile, TransferStore } from '../storage/transfers.js';

const RECORD_INTERVAL_MS = 1000;
const SAFE_INTERVAL_MS = 30_000;

export interface PlacedFilesOptions {
  /** Id of the transfer. */
  readonly transfer: string;
  /** Where the files are. */
  readonly folder: string;
  readonly store: TransferStore;
  readonly clock: Clock;
}

export class PlacedFiles {
  readonly #options: PlacedFilesOptions;
  readonly #closing = new AbortController();
  #unrecorded: PlacedFile[] = [];
  #hasUnsafe = false;
  #makingSafe: Promise<void> | null = null;
  #recordedMs: number;
  #safeMs: number;

  constructor(options: PlacedFilesOptions) {
    this.#options = options;
    this.#recordedMs = options.clock.nowMs();
    this.#safeMs = this.#recordedMs;
  }

  add(file: PlacedFile): void {
    this.#unrecorded.push(file);
    this.#hasUnsafe = true;
  }

  /** Called several times a second. */
  look(): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#makingSafe !== null) return;
    if (nowMs - this.#recordedMs >= RECORD_INTERVAL_MS) this.#record();
    if (nowMs - this.#safeMs >= SAFE_INTERVAL_MS && this.#hasUnsafe) this.#makingSafe = this.#makeSafe();
  }

  /** Records the rest. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#makingSafe;
    this.#record();
  }

  async #makeSafe(): Promise<void> {
    const { transfer, folder, store, clock } = this.#options;
    this.#record();
    const isDone = await syncVolume(folder, this.#closing.signal);
    if (isDone) {
      store.makeSafe(transfer);
      this.#hasUnsafe = this.#unrecorded.length > 0;
    }
    this.#safeMs = clock.nowMs();
    this.#makingSafe = null;
  }

  #record(): void {
    this.#recordedMs = this.#options.clock.nowMs();
    this.#options.store.recordPlaced(this.#options.transfer, this.#unrecorded);
    this.#unrecorded = [];
  }
}
