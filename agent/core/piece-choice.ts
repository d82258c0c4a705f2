/**
 * Which piece to ask of whom next. Pure: what is here, what is asked for, and who could give it come in.
 *
 * In the order of the file, because a file read from its beginning costs its owner's disk the least, and
 * from whoever owes us the fewest bytes. With one source that is all there is to decide; more sources only
 * make the list longer.
 */
import type { Bitfield } from './bitfield.js';

export interface ChoiceSource {
  /** What it holds; null when that is the whole file. */
  readonly has: Bitfield | null;
  /** Bytes that were asked of it and are not here. */
  readonly inflightBytes: number;
}

export interface Choice<S extends ChoiceSource> {
  readonly index: number;
  readonly source: S;
}

/**
 * @param from      no piece before it is missing and not asked for: where the last choice was found, plus one
 * @param asked     pieces that are on their way
 * @param maxBytes  a source that owes so much is left alone
 * @returns null when nothing can be asked for now
 */
export function choosePiece<S extends ChoiceSource>(
  have: Bitfield,
  from: number,
  asked: ReadonlySet<number>,
  sources: readonly S[],
  maxBytes: number,
): Choice<S> | null {
  const free = sources.filter((source) => source.inflightBytes < maxBytes);
  if (free.length === 0) return null;
  for (let index = have.nextMissing(from); index !== null; index = have.nextMissing(index + 1)) {
    if (asked.has(index)) continue;
    const source = idlest(free, index);
    if (source !== null) return { index, source };
  }
  return null;
}

function idlest<S extends ChoiceSource>(sources: readonly S[], index: number): S | null {
  let found: S | null = null;
  for (const source of sources) {
    if (source.has !== null && !source.has.has(index)) continue;
    if (found === null || source.inflightBytes < found.inflightBytes) found = source;
  }
  return found;
}
