/**
 * The secret that this agent and this user's clients prove to each other: 32 random bytes in a file that
 * only this user can read, new at each start, so that a client of an agent that is gone proves nothing.
 */
import { randomBytes } from 'node:crypto';
import writeFileAtomic from 'write-file-atomic';
import { tokenText } from '../../protocol/local/proof.js';
import { KEY_BYTES } from '../../protocol/mac.js';

/** Resolves when the new token is on the disk, whole. */
export async function renewToken(file: string): Promise<Uint8Array> {
  const token = randomBytes(KEY_BYTES);
  await writeFileAtomic(file, tokenText(token), { mode: 0o600 });
  return token;
}
