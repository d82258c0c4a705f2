/**
 * The workgroup as it is kept on the disk: one private file, and a copy for the day on which the disk spoils one.
 *
 * The roster comes again from any coworker, the group key does not: without it the PC would have to be invited again.
 */
import * as v from 'valibot';
import { PotluckError } from '../../protocol/errors.js';
import { PeerIdHex } from '../../protocol/ids.js';
import { NAME_MAX_BYTES, ROSTER_RECORD_MAX_CHARS, ROSTER_RECORDS_MAX_COUNT } from '../../protocol/limits.js';
import { RosterRecord } from '../../protocol/peer/session.js';
import { readPrivateFile, writePrivateFile } from '../platform/files.js';
import type { Log } from '../platform/log.js';

/** Every record as long as it can be, its signature and punctuation, and the rest. */
const FILE_MAX_BYTES = ROSTER_RECORDS_MAX_COUNT * (ROSTER_RECORD_MAX_CHARS + 128) + 8192;

const name = v.pipe(v.string(), v.maxBytes(NAME_MAX_BYTES));

const Lapse = v.strictObject({
  /** `rekeyed`: the file with this PC's key is another one than when it joined. */
  kind: v.picklist(['left', 'removed', 'rekeyed']),
  /** This PC's id in the workgroup. */
  id: PeerIdHex,
  /** Name of the workgroup. */
  workgroup: name,
  /** Who removed it, where that is known. */
  by: v.nullable(v.strictObject({ id: PeerIdHex, name })),
  /** ms since 1970, as this PC believes. */
  at: v.number(),
});
/** Why this PC is in no workgroup any more. */
export type Lapse = v.InferOutput<typeof Lapse>;

const Stored = v.strictObject({
  v: v.literal(1),
  lapse: v.nullable(Lapse),
  workgroup: v.nullable(
    v.strictObject({
      /** This PC's own id when it was written. */
      self: PeerIdHex,
      group: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/)),
      root: PeerIdHex,
      name,
      records: v.pipe(v.array(RosterRecord), v.maxLength(ROSTER_RECORDS_MAX_COUNT)),
    }),
  ),
});
export type StoredMembership = v.InferOutput<typeof Stored>;

const NEVER: StoredMembership = { v: 1, lapse: null, workgroup: null };
const copyOf = (file: string): string => `${file}.bak`;

/**
 * @returns what was last written; of no workgroup when nothing ever was
 * @throws PotluckError UNSAFE_FILES; FAILED: file and copy are damaged
 */
export async function readMembership(file: string, log: Log): Promise<StoredMembership> {
  const own = await read(file);
  if (own !== null && own !== 'damaged') return own;
  const copy = await read(copyOf(file));
  if (copy !== null && copy !== 'damaged') {
    log.warn('membership.restored', { from: 'workgroup.json.bak' });
    await writePrivateFile(file, serialize(copy));
    return copy;
  }
  if (own === null && copy === null) return NEVER;
  throw new PotluckError('FAILED', `${file} and its copy are damaged: they hold this PC's place in its workgroup`, {
    hint: 'restore one from a backup, or move both away and have this PC invited again',
  });
}

/** Resolves when both are on the disk. @throws PotluckError NO_SPACE, FAILED */
export async function writeMembership(file: string, stored: StoredMembership): Promise<void> {
  const content = serialize(stored);
  await writePrivateFile(file, content);
  await writePrivateFile(copyOf(file), content);
}

function serialize(stored: StoredMembership): string {
  return `${JSON.stringify(stored, null, 1)}\n`;
}

async function read(file: string): Promise<StoredMembership | 'damaged' | null> {
  let content: Buffer | null;
  try {
    content = await readPrivateFile(file, FILE_MAX_BYTES);
  } catch (thrown) {
    if (thrown instanceof PotluckError && thrown.code === 'TOO_LARGE') return 'damaged';
    throw thrown;
  }
  if (content === null) return null;
  try {
    return v.parse(Stored, JSON.parse(content.toString()));
  } catch {
    // Whatever it is now, it is not what was written; the copy is asked.
    return 'damaged';
  }
}
