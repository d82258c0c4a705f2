/** The same with a file of 1 GiB, where less than 2 % of what was there may be fetched again. */
import { needLab } from '../support/lab.js';
import { spec } from '../support/spec.js';
import { downloadAfterCrash } from './download-after-crash.js';

spec('resume of 1 GiB', (it) => {
  for (const killed of ['sender', 'receiver'] as const) {
    it(
      `ends right after the ${killed} was killed at 30 %`,
      (t) => downloadAfterCrash(t, { killed, sizeBytes: 1024 ** 3, againMax: 0.02 }),
      { needs: needLab, limitMs: 600_000 },
    );
  }
});
