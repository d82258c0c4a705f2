/** When it is asked who is there. */
import * as assert from 'uvu/assert';
import { QuerySchedule } from '../../agent/discovery/query-schedule.js';
import { spec } from '../support/spec.js';

/** The seconds of a minute and a half in which a question is due and asked; `others` ask at these. */
function asked(schedule: QuerySchedule, random: number, others: readonly number[] = []): number[] {
  const seconds: number[] = [];
  for (let second = 0; second <= 90; second++) {
    if (others.includes(second)) schedule.heard(second * 1000);
    if (!schedule.isDue(second * 1000)) continue;
    seconds.push(second);
    schedule.sent(second * 1000, random);
    schedule.heard(second * 1000);
  }
  return seconds;
}

spec('query schedule', (it) => {
  it('asks soon, and then every ten seconds', () => {
    assert.equal(asked(new QuerySchedule(0), 0), [0, 1, 3, 7, 15, 25, 35, 45, 55, 65, 75, 85]);
  });

  it('asks a little later by chance', () => {
    assert.equal(asked(new QuerySchedule(0), 0.9), [0, 2, 5, 10, 20, 32, 44, 56, 68, 80]);
  });

  it('leaves it to others as long as they ask, but is never silent for long', () => {
    const everySecond = Array.from({ length: 91 }, (_, second) => second);
    assert.equal(asked(new QuerySchedule(0), 0, everySecond), [0, 25, 50, 75]);
    assert.equal(asked(new QuerySchedule(0), 0, [16, 24]), [0, 1, 3, 7, 15, 34, 44, 54, 64, 74, 84]);
  });

  it('asks at once when somebody waits, and not twice in a second', () => {
    const schedule = new QuerySchedule(0);
    asked(schedule, 0);
    schedule.hasten(90_000);
    assert.ok(schedule.isDue(90_000));
    schedule.sent(90_000, 0);
    schedule.hasten(90_200);
    assert.not(schedule.isDue(90_900));
    assert.ok(schedule.isDue(91_000));
  });
});
