/**
 * Somebody else on the network who speaks mDNS: packets made by hand, right or wrong, sent and heard on loopback.
 *
 * Tests use UDP ports of their own, so that nothing on this PC, nor another test, hears them.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { discoveryKey, discoveryTag, type InstanceName, SERVICE_DOMAIN } from '../../protocol/discovery.js';
import type { Case } from './spec.js';

const GROUP = '224.0.0.251';
const TYPES = { A: 1, PTR: 12, TXT: 16, SRV: 33 } as const;

export interface DnsRecord {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly ttl: number;
  readonly data: Buffer;
}

/** A free UDP port that no other test of this run has. */
export async function multicastPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

export interface Bystander {
  send(packet: Buffer): Promise<void>;
  /** Everything that was heard, its own packets too. */
  readonly heard: readonly Buffer[];
  /** Resolves with the first packet, heard before or to come, of which this holds. */
  hears(wanted: (packet: Buffer) => boolean): Promise<Buffer>;
  /** The same, of packets to come. */
  hearsNext(wanted: (packet: Buffer) => boolean): Promise<Buffer>;
}

/** @param address  127.x.y.z, from which it sends */
export async function openBystander(t: Case, port: number, address = '127.0.0.1'): Promise<Bystander> {
  const ear = createSocket({ type: 'udp4', reuseAddr: true });
  const mouth = createSocket({ type: 'udp4', reuseAddr: true });
  t.defer(() => ear.close());
  t.defer(() => mouth.close());
  const heard: Buffer[] = [];
  const waiting = new Set<() => void>();
  ear.on('message', (packet) => {
    heard.push(packet);
    for (const wake of waiting) wake();
  });
  ear.bind(port, '0.0.0.0');
  mouth.bind(0, address);
  await Promise.all([once(ear, 'listening'), once(mouth, 'listening')]);
  ear.addMembership(GROUP, '127.0.0.1');
  mouth.setMulticastInterface('127.0.0.1');
  const hear = (wanted: (packet: Buffer) => boolean, since: number): Promise<Buffer> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = heard.slice(since).find(wanted);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    heard,
    send: (packet) =>
      new Promise((resolve, reject) => {
        // One turn of the loop for each, or nobody in this process reads what is sent and the system drops it.
        mouth.send(packet, port, GROUP, (error) => (error ? reject(error) : setImmediate(resolve)));
      }),
    hears: (wanted) => hear(wanted, 0),
    hearsNext: (wanted) => hear(wanted, heard.length),
  };
}

export const isResponse = (packet: Buffer): boolean => packet.length > 2 && ((packet[2] ?? 0) & 0x80) !== 0;

/** What an agent of this workgroup would announce. */
export function announcement(
  instance: InstanceName,
  port: number,
  group: Uint8Array | null,
  options: { readonly joinOpen?: boolean; readonly ttl?: number; readonly address?: string } = {},
): Buffer {
  const { joinOpen = false, ttl = 120, address = '127.0.0.1' } = options;
  const fqdn = `${instance}.${SERVICE_DOMAIN}`;
  const tag = group === null ? [] : [`t=${discoveryTag(discoveryKey(group), instance)}`];
  return response([
    { name: SERVICE_DOMAIN, type: 'PTR', ttl, data: nameBytes(fqdn) },
    { name: fqdn, type: 'SRV', ttl, data: srv(port, `${instance}.local`) },
    { name: fqdn, type: 'TXT', ttl, data: txt('v=1', ...tag, ...(joinOpen ? ['j=1'] : [])) },
    { name: `${instance}.local`, type: 'A', ttl, data: Buffer.from(address.split('.').map(Number)) },
  ]);
}

export function response(records: readonly DnsRecord[]): Buffer {
  return Buffer.concat([u16(0, 0x8400, 0, records.length, 0, 0), ...records.map(recordBytes)]);
}

export function query(...names: readonly string[]): Buffer {
  const questions = names.map((name) => Buffer.concat([nameBytes(name), u16(TYPES.PTR, 1)]));
  return Buffer.concat([u16(0, 0, names.length, 0, 0, 0), ...questions]);
}

export function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

export function srv(port: number, target: string): Buffer {
  return Buffer.concat([u16(0, 0, port), nameBytes(target)]);
}

export function txt(...items: readonly string[]): Buffer {
  return Buffer.concat(items.map((item) => Buffer.concat([Buffer.of(item.length), Buffer.from(item)])));
}

function recordBytes({ name, type, ttl, data }: DnsRecord): Buffer {
  return Buffer.concat([nameBytes(name), u16(TYPES[type], 1, ttl >>> 16, ttl & 0xffff, data.length), data]);
}

function u16(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2);
  for (const [at, number] of numbers.entries()) bytes.writeUInt16BE(number, at * 2);
  return bytes;
}
