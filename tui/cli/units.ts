/** What people type for a duration, a number and page ranges, read strictly: what is not understood is an error. Pure. */
import { PotluckError } from '../../protocol/errors.js';

const SECONDS_OF = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/**
 * `90s`, `10m`, `1h`, `1h30m`, `2d`.
 * @returns milliseconds
 * @throws PotluckError USAGE
 */
export function readDuration(option: string, text: string): number {
  const whole = /^(?:\d{1,6}[smhd])+$/.test(text);
  const parts = [...text.matchAll(/(\d{1,6})([smhd])/g)];
  const units = parts.map((part) => part[2] as keyof typeof SECONDS_OF);
  const falling = units.every((unit, at) => at === 0 || SECONDS_OF[unit] < SECONDS_OF[units[at - 1] ?? unit]);
  const seconds = parts.reduce((sum, part, at) => sum + Number(part[1]) * SECONDS_OF[units[at] ?? 's'], 0);
  if (!whole || !falling || seconds === 0) {
    throw new PotluckError('USAGE', `${option} ${text}: not a duration, which is like 90s, 10m or 1h30m`);
  }
  return seconds * 1000;
}

/** @throws PotluckError USAGE */
export function readCount(option: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > max) throw new PotluckError('USAGE', `${option} ${text}: a number from 1 to ${max}`);
  return count;
}

/**
 * `1-3`, `2`, `1-3,7`.
 * @returns ranges, each first and last page
 * @throws PotluckError USAGE
 */
export function readPages(option: string, text: string): [number, number][] {
  return text.split(',').map((part) => {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first < 1 || last < first) {
      throw new PotluckError('USAGE', `${option} ${text}: not pages, which are like 2, 1-3 or 1-3,7`);
    }
    return [first, last];
  });
}

/** @throws PotluckError USAGE */
export function readChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new PotluckError('USAGE', `${option} ${text}: one of ${choices.join(', ')}`);
  return found;
}
