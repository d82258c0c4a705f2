/**
 * Names on this disk for the entries of a coworker's folder.
 *
 * Each name is made legal here, and no two entries of one folder get names that some disk takes for one:
 * `A` and `a`, or `é` in two spellings, would overwrite each other on a disk that does not tell them apart.
 * The names follow from the order of the entries alone, so that a download that goes on finds its files again.
 */
import { collisionKey, numberedName, safeName } from '../../protocol/path.js';

export class LocalNames {
  readonly #taken = new Set<string>();

  /** A name for this entry, and for no other entry of the folder. */
  claim(name: string): string {
    const safe = safeName(name);
    let candidate = safe;
    for (let number = 2; this.#taken.has(collisionKey(candidate)); number++) candidate = numberedName(safe, number);
    this.#taken.add(collisionKey(candidate));
    return candidate;
  }
}
