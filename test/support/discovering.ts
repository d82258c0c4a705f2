/** PCs that discover each other over real multicast on loopback, each with a clock of its own. */
import * as v from 'valibot';
import type { Candidate } from '../../agent/discovery/candidates.js';
import { openDiscovery } from '../../agent/discovery/mdns.js';
import { type Interfaces, openInterfaces } from '../../agent/platform/interfaces.js';
import { type Log, silentLog } from '../../agent/platform/log.js';
import { InstanceName } from '../../protocol/discovery.js';
import { FakeClock } from './fake-clock.js';
import { announcement, type Bystander } from './multicast.js';
import type { Case } from './spec.js';

export const GROUP = Buffer.alloc(32, 0xaa);
export const OTHER_GROUP = Buffer.alloc(32, 0xbb);
export const instance = (text: string): InstanceName => v.parse(InstanceName, text);
export const STRANGER = instance('stranger22');

/** One PC that discovers, with a clock of its own. */
export async function openPc(
  t: Case,
  udp: number,
  options: { port?: number; group?: Buffer | null; joinOpen?: boolean; interfaces?: Interfaces } = {},
) {
  const clock = new FakeClock();
  const interfaces = options.interfaces ?? openInterfaces({ clock, only: '127.0.0.1' });
  const state = { port: options.port ?? 5001, group: options.group ?? null, joinOpen: options.joinOpen ?? false };
  const events: (Candidate | string)[] = [];
  const warnings: string[] = [];
  const waiting = new Set<() => void>();
  const tell = (event: Candidate | string): void => {
    events.push(event);
    for (const wake of waiting) wake();
  };
  const warn = (event: string): void => {
    warnings.push(event);
    for (const wake of waiting) wake();
  };
  const log: Log = { ...silentLog, warn, part: () => log };
  const discovery = openDiscovery({
    clock,
    log,
    interfaces,
    announce: () => state,
    onCandidate: tell,
    onGone: (gone) => tell(gone),
    port: udp,
  });
  t.defer(() => discovery.close());
  t.defer(() => interfaces.close());
  const until = <T>(look: () => T | undefined | false): Promise<T> =>
    new Promise((resolve) => {
      const wake = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        waiting.delete(wake);
        resolve(found);
      };
      waiting.add(wake);
      wake();
    });
  /** The newest news of whoever listens at that port. */
  const finds = (port: number, wanted: Partial<Candidate> = {}): Promise<Candidate> =>
    until(() => {
      const seen = events.filter(
        (event) => typeof event !== 'string' && event.addresses[0]?.port === port,
      ) as Candidate[];
      const last = seen.at(-1);
      return (
        last !== undefined &&
        Object.entries(wanted).every(([key, value]) => last[key as keyof Candidate] === value) &&
        last
      );
    });
  const loses = (gone: string): Promise<true> => until(() => events.includes(gone));
  const warns = (what: string): Promise<true> => until(() => warnings.includes(what));
  return { discovery, clock, state, events, warnings, finds, loses, warns };
}

/** Resolves when everything that was sent before has been read by whoever listens. */
export async function settle(bystander: Bystander, mark = instance('marker2222')): Promise<void> {
  await bystander.send(announcement(mark, 6000, null));
  await bystander.hears((packet) => packet.includes(mark));
  await new Promise((resolve) => setImmediate(resolve));
}
