/** What a call was refused with. */
import { type ErrorCode, PotluckError } from '../../protocol/errors.js';

/** @throws Error when it was not refused, and whatever it threw that is no PotluckError */
export async function refusal(work: () => unknown): Promise<PotluckError> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown;
    throw thrown;
  }
  throw new Error('not refused');
}

/** Only the code. */
export async function codeOf(work: () => unknown): Promise<ErrorCode> {
  return (await refusal(work)).code;
}
