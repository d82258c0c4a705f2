/**
 * What an agent says about itself over mDNS, and how such words are read.
 *
 * An announcement is seen by everybody on the network, so it names no person, no PC and no workgroup:
 * a random instance, and a tag that only holders of the group key can compute or recognise. It is a hint
 * where to dial and proves nothing. SPEC.md, "Discovery".
 */
import * as v from 'valibot';
import { RFC4648_ALPHABET, toBase32 } from './base32.js';
import { TXT_ITEM_MAX_BYTES, TXT_ITEMS_MAX_COUNT } from './limits.js';
import { deriveKey, mac, sameMac } from './mac.js';

/** As bonjour-service names it; on the wire `_potluck._tcp.local`. */
export const SERVICE_TYPE = 'potluck';
export const SERVICE_DOMAIN = `_${SERVICE_TYPE}._tcp.local`;

const INSTANCE_SYMBOLS = 10;
const TAG_BYTES = 10;

/** Ten base32 symbols in lower case: DNS does not keep the case of a name, and the tag depends on it. */
export const InstanceName = v.pipe(v.string(), v.toLowerCase(), v.regex(/^[a-z2-7]{10}$/), v.brand('InstanceName'));
export type InstanceName = v.InferOutput<typeof InstanceName>;

/** @param random  gives that many random bytes */
export function makeInstanceName(random: (count: number) => Uint8Array): InstanceName {
  const symbols = [...random(INSTANCE_SYMBOLS)].map((byte) => RFC4648_ALPHABET.charAt(byte % 32)).join('');
  return v.parse(InstanceName, symbols);
}

/** The key under which a workgroup's members tag their announcements. */
export function discoveryKey(group: Uint8Array): Buffer {
  return deriveKey(group, '', 'potluck/v1/discovery');
}

/** What a member of the workgroup announces under this instance name; 16 base32 symbols. */
export function discoveryTag(key: Uint8Array, instance: InstanceName): string {
  return toBase32(mac(key, 'mdns', instance).subarray(0, TAG_BYTES)).toLowerCase();
}

export function isTagOf(tag: string, key: Uint8Array, instance: InstanceName): boolean {
  return sameMac(Buffer.from(tag), Buffer.from(discoveryTag(key, instance)));
}

/** The strings of a TXT record, as keys and values. */
export function announcementTxt(tag: string, isJoinOpen: boolean): Record<string, string> {
  return { v: '1', t: tag, ...(isJoinOpen ? { j: '1' } : {}) };
}

const TxtItems = v.pipe(
  v.array(v.pipe(v.instance(Uint8Array), v.maxLength(TXT_ITEM_MAX_BYTES))),
  v.maxLength(TXT_ITEMS_MAX_COUNT),
);
/** Keys that are not known are ignored, as RFC 6763 §6.4 wants; another `v` is another protocol. */
const Txt = v.object({
  v: v.literal('1'),
  t: v.optional(v.pipe(v.string(), v.toLowerCase(), v.regex(/^[a-z2-7]{16}$/))),
  j: v.optional(v.literal('1')),
});

export interface AnnouncementTxt {
  readonly tag: string | null;
  readonly isJoinOpen: boolean;
}

/**
 * Reads a TXT record that anybody may have sent.
 * @param items  the record's strings, as bytes
 * @returns null when it is not an announcement of this version
 */
export function readAnnouncementTxt(items: unknown): AnnouncementTxt | null {
  const list = v.safeParse(TxtItems, items);
  if (!list.success) return null;
  const pairs = new Map<string, string>();
  for (const item of list.output) {
    const text = Buffer.from(item).toString('latin1');
    const equals = text.indexOf('=');
    const key = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    // RFC 6763 §6.4: of a key that comes twice the first one counts.
    if (!pairs.has(key)) pairs.set(key, equals < 0 ? '' : text.slice(equals + 1));
  }
  const txt = v.safeParse(Txt, { v: pairs.get('v'), t: pairs.get('t'), j: pairs.get('j') });
  if (!txt.success) return null;
  return { tag: txt.output.t ?? null, isJoinOpen: txt.output.j === '1' };
}
