/**
 * Space on disks that downloads have been promised and have not used yet.
 *
 * Looking at what is free before each write is not enough: two downloads would both see the same space. So
 * a download reserves what it will write before its first byte, and the promises of all of them together
 * leave a rest free. What has been written is no promise any more: the disk itself tells it.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type DiskSpace, diskSpace } from '../platform/disk.js';
import { PotluckError } from '../../protocol/errors.js';
import { FREE_SPACE_FLOOR_BYTES } from '../../protocol/limits.js';

export interface Reservation {
  /** Bytes that are promised and not written. */
  readonly left: number;
  /** Bytes were written, or will not be. */
  use(bytes: number): void;
  /** Gives back the rest. Idempotent. */
  release(): void;
}

export interface ReservationsOptions {
  /** Bytes that stay free. */
  readonly floorBytes?: number;
  readonly spaceOf?: (folder: string, signal: AbortSignal) => Promise<DiskSpace | null>;
}

export class Reservations {
  readonly #floorBytes: number;
  readonly #spaceOf: (folder: string, signal: AbortSignal) => Promise<DiskSpace | null>;
  /** Promised bytes by device. */
  readonly #promised = new Map<number, number>();

  constructor(options: ReservationsOptions = {}) {
    this.#floorBytes = options.floorBytes ?? FREE_SPACE_FLOOR_BYTES;
    this.#spaceOf = options.spaceOf ?? diskSpace;
  }

  /**
   * @param folder  on the disk in question; need not be there yet
   * @throws PotluckError NO_SPACE
   */
  async reserve(folder: string, bytes: number, signal: AbortSignal): Promise<Reservation> {
    const device = await deviceOf(folder);
    const space = await this.#spaceOf(folder, signal);
    const promised = this.#promised.get(device) ?? 0;
    // A disk that does not tell is written to until it refuses.
    const free = space === null ? Infinity : space.free - this.#floorBytes - promised;
    if (bytes > 0 && bytes > free) {
      const missing = formatBytes(bytes - Math.max(0, free));
      throw new PotluckError('NO_SPACE', `the disk has too little space: ${missing} more are needed`);
    }
    return this.#promise(device, bytes);
  }

  #promise(device: number, bytes: number): Reservation {
    let left = 0;
    const change = (by: number): void => {
      left += by;
      this.#promised.set(device, (this.#promised.get(device) ?? 0) + by);
    };
    change(bytes);
    return {
      get left() {
        return left;
      },
      use: (used) => change(-Math.min(left, used)),
      release: () => change(-left),
    };
  }
}

/** The device of the folder, or of the nearest one above it that is there. */
async function deviceOf(folder: string): Promise<number> {
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    const stats = await stat(place).catch(() => null);
    if (stats !== null) return stats.dev;
    if (path.dirname(place) === place) return -1;
  }
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}
