/** Rosters in words: `ana+bruno` is ana letting bruno in, `ana-bruno:carla` ana removing bruno and keeping carla. */
import { makeAdd, makeDel, openRecord, type RosterEntry } from '../../agent/core/roster.js';
import type { PeerId, WorkgroupId } from '../../protocol/ids.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { makeSigner } from './signer.js';

export const WORKGROUP = 'd4ab0d73c71636ea' as WorkgroupId;
export const NAMES = ['ana', 'bruno', 'carla', 'dino', 'eva', 'filip', 'greta'] as const;
export type Name = (typeof NAMES)[number];

const KEYS = new Map<string, ReturnType<typeof makeSigner>>(NAMES.map((name) => [name, makeSigner()]));

export function keyOf(name: string): ReturnType<typeof makeSigner> {
  const key = KEYS.get(name);
  if (key === undefined) throw new Error(`nobody is called ${name}`);
  return key;
}

export const idOf = (name: string): PeerId => keyOf(name).id;
export const nameOf = (id: PeerId): string => NAMES.find((name) => idOf(name) === id) ?? id;

/** Ana founded every workgroup. */
export const ROOT = idOf('ana');

export function record(line: string, at = 1): RosterRecord {
  const [, by = '', kind, subject = '', keep = ''] = /^(\w+)([+-])(\w+)(?::([\w,]*))?$/.exec(line) ?? [];
  if (kind === '+') {
    return makeAdd(keyOf(by), { workgroup: WORKGROUP, subject: keyOf(subject).spki, name: subject, at });
  }
  const kept = keep.split(',').filter(Boolean).map(idOf);
  return makeDel(keyOf(by), { workgroup: WORKGROUP, subject: idOf(subject), keep: kept, at });
}

export function opened(line: string, at = 1): RosterEntry {
  const entry = openRecord(record(line, at), WORKGROUP);
  if (entry === null) throw new Error(`not a record: ${line}`);
  return entry;
}

export const roster = (lines: string): RosterEntry[] => lines.split(' ').map((line) => opened(line));
