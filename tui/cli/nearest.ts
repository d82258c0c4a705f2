/** What was probably meant by a mistyped word. Pure. */

/** More wrong letters than this are another word. */
const DISTANCE_MAX = 2;
const WORD_MAX_CHARS = 40;

/** @returns the candidate that is nearest to what was typed, or null when none is near */
export function nearest(typed: string, candidates: readonly string[]): string | null {
  if (typed.length > WORD_MAX_CHARS) return null;
  const begun = candidates.filter((candidate) => typed.length > 2 && candidate.startsWith(typed));
  if (begun.length === 1) return begun[0] ?? null;
  let best: string | null = null;
  let bestDistance = Math.min(DISTANCE_MAX, Math.floor(typed.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = distanceOf(typed, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Letters to insert, delete, replace or swap with their neighbour (Damerau–Levenshtein, restricted). */
function distanceOf(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[other.length] ?? 0;
}
