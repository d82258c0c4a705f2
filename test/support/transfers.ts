/**
 * A coworker that serves and a PC that downloads, with everything between them but the network: requests go
 * through JSON and schemas, pieces over a pair of sockets in memory.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Board } from '../../agent/platform/board.js';
import { type Clock, systemClock } from '../../agent/platform/clock.js';
import { Events } from '../../agent/platform/events.js';
import { createHasher } from '../../agent/platform/hasher.js';
import { silentLog } from '../../agent/platform/log.js';
import type { PieceSocket } from '../../agent/net/piece-socket.js';
import type { LocalShare } from '../../agent/shares/local-shares.js';
import { RemoteShares } from '../../agent/shares/remote-shares.js';
import { openDatabase } from '../../agent/storage/database.js';
import { Reservations, type ReservationsOptions } from '../../agent/storage/reservations.js';
import { TRANSFER_TABLES, TransferStore } from '../../agent/storage/transfers.js';
import { Downloads } from '../../agent/transfer/downloads.js';
import { UploadRows } from '../../agent/transfer/upload-rows.js';
import { Uploads } from '../../agent/transfer/uploads.js';
import { PotluckError } from '../../protocol/errors.js';
import { fromHex, type PeerId, peerIdOf } from '../../protocol/ids.js';
import type { TransferRow } from '../../protocol/local/model.js';
import { nameOf } from '../../protocol/path.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import { decodePieceFrame } from '../../protocol/peer/piece-frame.js';
import { pieceSocketPair } from './piece-pair.js';
import { callOf, openSharingPc, type SharingPc } from './shares.js';
import type { Case } from './spec.js';

export const ANA = peerIdOf(fromHex('aa'.repeat(32)));
export const BRUNO = peerIdOf(fromHex('bb'.repeat(32)));

/** What may go wrong on the way, changed by a test while it runs. */
export interface Network {
  isUp: boolean;
  /** Seen and possibly replaced: each frame from the coworker. */
  tamper: (frame: Uint8Array) => Uint8Array;
  /** Awaited before each frame of the coworker. */
  pace: () => Promise<void>;
  /** Pieces that the coworker was asked for. */
  pieces: number;
}

/** Ana: shares the folder `files`, and serves whoever asks. */
export class Coworker {
  readonly pc: SharingPc;
  readonly share: LocalShare;
  readonly files: string;
  readonly network: Network = {
    isUp: true,
    tamper: (frame) => frame,
    pace: () => Promise.resolve(),
    pieces: 0,
  };
  readonly rows: UploadRows;
  readonly #uploads: Uploads;
  readonly #sockets = new Set<PieceSocket>();

  /** @param base  holds what it keeps, and its files */
  constructor(t: Pick<Case, 'defer'>, base: string) {
    this.files = path.join(base, 'files');
    mkdirSync(this.files, { recursive: true });
    this.pc = openSharingPc(t, path.join(base, 'ana'));
    const [known] = this.pc.shares.list();
    this.share = known ?? this.pc.shares.add(this.files, { name: 'Projects' });
    this.rows = new UploadRows({ board: this.pc.board, clock: systemClock, nameOf: () => 'bruno' });
    this.#uploads = new Uploads(this.rows, systemClock);
    t.defer(() => this.rows.close());
    t.defer(() => this.dropAll());
  }

  readonly call: PeerCall = async (peer, method, body, signal, onProgress) => {
    if (!this.network.isUp) throw new PotluckError('PEER_OFFLINE', 'ana is offline');
    const answer = await callOf(this.pc)(peer, method, body, signal, onProgress);
    if (!this.network.isUp) throw new PotluckError('PEER_OFFLINE', 'ana is offline');
    return answer;
  };

  readonly openPieces = async (_peer: PeerId, signal: AbortSignal): Promise<PieceSocket> => {
    signal.throwIfAborted();
    if (!this.network.isUp) throw new PotluckError('PEER_OFFLINE', 'ana is offline');
    const [asking, serving] = pieceSocketPair();
    this.#sockets.add(asking);
    const { network } = this;
    const slowed: PieceSocket = {
      ...serving,
      closed: serving.closed,
      close: (isBad) => serving.close(isBad),
      send: async (frame, onWritten) => {
        await network.pace();
        await serving.send(network.tamper(frame), onWritten);
      },
      onFrame: (listener) =>
        serving.onFrame((frame) => {
          if (decodePieceFrame(frame).type === 'piece') network.pieces += 1;
          listener(frame);
        }),
    };
    this.#uploads.serve(BRUNO, slowed, (content) => {
      const served = this.pc.shares.openContent(content, () => true);
      if (served === null) return null;
      const { file, manifest } = served;
      return { file, manifest, name: nameOf(served.path), shareName: served.share.name, isAllowed: () => true };
    });
    return asking;
  };

  /** The network is gone: every connection breaks, and none can be made. */
  goOffline(): void {
    this.network.isUp = false;
    this.dropAll();
  }

  dropAll(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
  }
}

/** Bruno: downloads into the folder `downloads`. */
export class Downloader {
  readonly downloads: Downloads;
  readonly board = new Board();
  readonly events = new Events((thrown) => {
    throw thrown;
  });
  readonly store: TransferStore;
  readonly target: string;
  readonly #close: () => Promise<void>;

  constructor(
    t: Pick<Case, 'defer'>,
    base: string,
    coworker: Pick<Coworker, 'call' | 'openPieces'>,
    options: { readonly space?: ReservationsOptions; readonly clock?: Clock } = {},
  ) {
    this.target = path.join(base, 'downloads');
    mkdirSync(path.join(base, 'bruno'), { recursive: true });
    const database = openDatabase(path.join(base, 'bruno/state.db'), [TRANSFER_TABLES], silentLog);
    const hasher = createHasher();
    this.store = new TransferStore(database);
    this.downloads = new Downloads({
      remote: new RemoteShares(coworker.call),
      openPieces: coworker.openPieces,
      hasher,
      store: this.store,
      reservations: new Reservations({ floorBytes: 0, ...options.space }),
      clock: options.clock ?? systemClock,
      board: this.board,
      events: this.events,
      nameOf: () => 'ana',
      defaultTarget: () => this.target,
    });
    this.#close = async () => {
      for (const thing of [this.downloads, hasher, database]) await thing.close();
    };
    t.defer(this.#close);
  }

  get(path_: string, onConflict: 'rename' | 'skip' | 'replace' = 'rename'): TransferRow {
    return this.downloads.start({ peer: ANA, share: 'Projects', path: path_, onConflict });
  }

  row(id: string): TransferRow {
    const row = this.board.get('transfers', id);
    if (row === undefined) throw new Error(`no transfer ${id}`);
    return row;
  }

  /** The row as soon as it is so. */
  until(id: string, is: (row: TransferRow) => boolean): Promise<TransferRow> {
    return new Promise((resolve) => {
      const stop = this.board.subscribe(() => look());
      const look = (): void => {
        const row = this.board.get('transfers', id);
        if (row === undefined || !is(row)) return;
        stop();
        resolve(row);
      };
      look();
    });
  }

  /** The row when the download is over. @throws Error when it ended in another state */
  async over(id: string, state: TransferRow['state'] = 'done'): Promise<TransferRow> {
    const row = await this.until(id, (each) => ['done', 'failed', 'cancelled'].includes(each.state));
    if (row.state !== state) throw new Error(`${row.state}: ${JSON.stringify(row.error ?? row.failed)}`);
    return row;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** A tree as lines, to be compared: type, path, size, hash, time in seconds. */
export function treeOf(folder: string, withTimes = true): string[] {
  const lines: string[] = [];
  const visit = (relative: string): void => {
    for (const name of readdirSync(path.join(folder, relative)).toSorted()) {
      const place = path.join(relative, name);
      const full = path.join(folder, place);
      const stats = lstatSync(full);
      const time = withTimes ? ` ${Math.round(stats.mtimeMs / 1000)}` : '';
      if (stats.isDirectory()) {
        lines.push(`folder ${place}${time}`);
        visit(place);
      } else if (stats.isSymbolicLink()) lines.push(`link ${place} ${readlinkSync(full)}`);
      else lines.push(`file ${place} ${stats.size} ${sha256(readFileSync(full))}${time}`);
    }
  };
  visit('');
  return lines;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Writes a file and the folders above it. */
export function put(folder: string, name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}
