/** A download goes on after either end was killed, and fetches next to nothing twice. */
import { needLab } from '../support/lab.js';
import { spec } from '../support/spec.js';
import { downloadAfterCrash } from './download-after-crash.js';

const SIZE_BYTES = 256 * 1024 * 1024;

spec('resume', (it) => {
  for (const killed of ['sender', 'receiver'] as const) {
    it(
      `ends right after the ${killed} was killed at 30 %`,
      // What is on its way at the kill is the same for every size, so a smaller file may lose a larger part.
      (t) => downloadAfterCrash(t, { killed, sizeBytes: SIZE_BYTES, againMax: 0.05 }),
      { needs: needLab, limitMs: 240_000 },
    );
  }
});
