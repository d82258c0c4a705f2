/**
 * What the owner of this PC has chosen, in one small file that is whole or old, never half.
 *
 * A file that cannot be read as settings is put aside as `settings.json.bad` and the defaults are taken:
 * an agent that does not start helps nobody, and what was in the file is not lost.
 */
import { readFileSync, renameSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import writeFileAtomic from 'write-file-atomic';
import { PeerIdHex } from '../../protocol/ids.js';
import { MEMBERS_MAX_COUNT, NAME_MAX_BYTES, PORT_MIN } from '../../protocol/limits.js';
import type { Log } from './log.js';

const Settings = v.strictObject({
  /** How this PC is called among coworkers. */
  name: v.pipe(v.string(), v.minLength(1), v.maxBytes(NAME_MAX_BYTES)),
  /** The port that was free at the first start; others remember it. Null before the first start. */
  port: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(PORT_MIN), v.maxValue(65_535))),
  /** Where downloads go unless told. */
  downloads: v.pipe(v.string(), v.minLength(1)),
  /** Members that this PC has nothing to do with. */
  blocked: v.pipe(v.array(PeerIdHex), v.maxLength(MEMBERS_MAX_COUNT)),
});
export type Settings = v.InferOutput<typeof Settings>;

export interface SettingsStore {
  get(): Settings;
  /** Resolves when the change is on the disk. */
  change(part: Partial<Settings>): Promise<void>;
}

export function openSettings(home: string, log: Log): SettingsStore {
  const file = path.join(home, 'settings.json');
  let settings = read(file, log) ?? defaults();
  let writing: Promise<void> = Promise.resolve();
  return {
    get: () => settings,
    change(part) {
      settings = v.parse(Settings, { ...settings, ...part });
      // One after the other, so that the newest state is the one that stays.
      writing = writing
        .catch(() => undefined)
        .then(() => writeFileAtomic(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 }));
      return writing;
    },
  };
}

function read(file: string, log: Log): Settings | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  try {
    return v.parse(Settings, JSON.parse(text));
  } catch {
    log.warn('settings.unreadable', { kept: 'settings.json.bad' });
    renameSync(file, `${file}.bad`);
    return null;
  }
}

function defaults(): Settings {
  return { name: nameOfThisPc(), port: null, downloads: path.join(homedir(), 'Downloads'), blocked: [] };
}

/** The host name without its domain, cut to what a name may hold. */
function nameOfThisPc(): string {
  const name = (hostname().split('.')[0] ?? '').replaceAll(/[^\p{L}\p{N}_ -]/gu, '').trim();
  return Buffer.from(name).subarray(0, NAME_MAX_BYTES).toString('utf8').replaceAll('\uFFFD', '') || 'PC';
}
