/** The shares of a PC for a test: everything below them real, in a temporary folder. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { Board } from '../../agent/platform/board.js';
import { type Clock, systemClock } from '../../agent/platform/clock.js';
import { createHasher, type Hasher } from '../../agent/platform/hasher.js';
import { silentLog } from '../../agent/platform/log.js';
import { LocalShares, SHARE_TABLES } from '../../agent/shares/local-shares.js';
import { Contents } from '../../agent/storage/contents.js';
import { openDatabase } from '../../agent/storage/database.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId, ShareId } from '../../protocol/ids.js';
import { parseBoundedJson } from '../../protocol/json.js';
import { MESSAGE_MAX_BYTES } from '../../protocol/limits.js';
import type { WirePath } from '../../protocol/path.js';
import {
  type OnProgress,
  PEER_METHODS,
  type PeerCall,
  type PeerMethod,
  type PeerRequest,
} from '../../protocol/peer/messages.js';
import type { Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

export interface SharingPc {
  readonly shares: LocalShares;
  readonly contents: Contents;
  readonly hasher: Hasher;
  readonly board: Board;
  /** How often coworkers would have been told. */
  readonly told: { changes: number };
  close(): Promise<void>;
}

/** @param home  made when it is not there; what an earlier one kept in it is found again */
export function openSharingPc(t: Pick<Case, 'defer'>, home: string, clock: Clock = systemClock): SharingPc {
  mkdirSync(home, { recursive: true });
  const database = openDatabase(path.join(home, 'state.db'), [SHARE_TABLES], silentLog);
  const contents = new Contents(path.join(home, 'index.db'), silentLog);
  const hasher = createHasher();
  const board = new Board();
  const told = { changes: 0 };
  const shares = new LocalShares({
    database,
    contents,
    hasher,
    board,
    clock,
    home,
    onChanged: () => (told.changes += 1),
  });
  const close = async (): Promise<void> => {
    for (const thing of [shares, hasher, contents, database]) await thing.close();
  };
  t.defer(close);
  return { shares, contents, hasher, board, told, close };
}

/** A PC whose folder `files` holds `names`; a name that ends in / is a folder, every file says its name. */
export function makePc(
  t: Case,
  names: readonly string[] = [],
  clock?: Clock,
): { readonly pc: SharingPc; readonly folder: string; readonly base: string } {
  const base = temporaryFolder(t);
  const folder = path.join(base, 'files');
  mkdirSync(folder);
  for (const name of names) {
    if (name.endsWith('/')) mkdirSync(path.join(folder, name), { recursive: true });
    else writeFileSync(path.join(folder, name), `content of ${name}`);
    utimesSync(path.join(folder, name), 1_700_000_000, 1_700_000_000);
  }
  return { pc: openSharingPc(t, path.join(base, 'home'), clock), folder, base };
}

export const wire = (text: string): WirePath => text as WirePath;

/** The code with which this is refused. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown.code;
    throw thrown;
  }
  return 'nothing was refused';
}

/**
 * Asks this PC as a coworker would: every request and answer goes through JSON and its schema, within the size
 * of a message.
 */
export function callOf(pc: Pick<SharingPc, 'shares'>): PeerCall {
  const call = async (
    _peer: PeerId,
    method: PeerMethod,
    body: unknown,
    signal: AbortSignal,
    onProgress: OnProgress = () => undefined,
  ): Promise<unknown> => {
    const answer = await answerOf(pc.shares, method, carried(PEER_METHODS[method].input, body), onProgress, signal);
    signal.throwIfAborted();
    return carried(PEER_METHODS[method].output, answer);
  };
  return call as PeerCall;
}

function carried(schema: v.GenericSchema, value: unknown): unknown {
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > MESSAGE_MAX_BYTES - 256) throw new Error('too large for a message');
  return v.parse(schema, parseBoundedJson(text));
}

async function answerOf(
  shares: LocalShares,
  method: PeerMethod,
  body: unknown,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<unknown> {
  if (method === 'shares.list') {
    return { shares: shares.list().map(({ id, name, writable }) => ({ id, name, writable })) };
  }
  const share = shares.get((body as { share: ShareId }).share);
  if (share === null) throw new PotluckError('SHARE_UNKNOWN', 'no such share');
  if (method === 'shares.browse') {
    const { path: folder, cursor, limit } = body as PeerRequest<'shares.browse'>;
    return shares.browse(share, folder, cursor, limit, signal);
  }
  if (method === 'shares.stat') return shares.stat(share, (body as PeerRequest<'shares.stat'>).path);
  if (method !== 'content.describe') throw new PotluckError('UNSUPPORTED', method);
  return shares.describe(share, (body as PeerRequest<'content.describe'>).paths, onProgress, signal);
}
