/**
 * Sizes, times and counts as people read them: short, with a unit, and of a bounded width. Pure: the time
 * comes in as an argument.
 */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units: 999 B, 1.2 kB, 34 MB, 8.4 GB. At most six columns up to 999 PB. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return `${digits} ${UNITS[unit]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** How long, in at most eight columns: 40 s, 2 min, 1 h 20, 3 days. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10 && minutes % 60 > 0) return `${hours} h ${String(minutes % 60).padStart(2, '0')}`;
  if (hours < 48) return `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

/** @param iso  ISO 8601 @param now  Unix ms */
export function ago(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (!Number.isFinite(seconds)) return '–';
  return seconds < 10 ? 'just now' : `${duration(Math.floor(seconds))} ago`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** When, as short as it can be told: 14:05 today, 12 Aug this year, Aug 2023 before. */
export function day(iso: string, now: number): string {
  const at = new Date(iso);
  const today = new Date(now);
  if (Number.isNaN(at.getTime())) return '–';
  if (at.toDateString() === today.toDateString()) return clock(iso);
  const month = MONTHS[at.getMonth()];
  return at.getFullYear() === today.getFullYear() ? `${at.getDate()} ${month}` : `${month} ${at.getFullYear()}`;
}

export function clock(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '–';
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
}

/** Never 100 % before all is there. */
export function percent(done: number, all: number): string {
  return `${all <= 0 ? 0 : Math.floor((Math.min(done, all) / all) * 100)} %`;
}

/** 1 file, 2 files; `plural` where an s is not enough. */
export function countOf(count: number, one: string, plural = `${one}s`): string {
  // By hand: the first toLocaleString of a process loads its tables, a third of the time of a CLI verb.
  return `${String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')} ${count === 1 ? one : plural}`;
}
