/**
 * Every keyed proof of the protocol: HMAC-SHA-256 over parts that cannot be shifted into each other.
 *
 * Each proof begins with a label of its own and carries both roles' ids, so that none can be replayed,
 * reflected or used in another place. They stand together because a label that two uses share would
 * undo that. SPEC.md, "Notation", "Preface", "Join", "Discovery", "Local API".
 */
import assert from 'node:assert/strict';
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { fromHex, type PeerId, type WorkgroupId } from './ids.js';

/** Bytes of a group key, of a MAC, of an exporter's output, of a nonce and of a peer id. */
export const KEY_BYTES = 32;
export const MAC_BYTES = 32;

/** LP of SPEC.md: `u16 length ‖ bytes` of each part, joined. Texts are UTF-8. */
export function lp(...parts: readonly (Uint8Array | string)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      assert(bytes.length <= 0xffff, 'a length fits 16 bits');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** HMAC-SHA-256 over `LP(label) ‖ LP(part) ‖ …`. */
export function mac(key: Uint8Array, label: string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  return createHmac('sha256', key)
    .update(lp(label, ...parts))
    .digest();
}

/** Are two MACs the same? Takes as long for a near miss as for a far one. */
export function sameMac(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** HKDF-SHA-256, 32 bytes. */
export function deriveKey(secret: Uint8Array | string, salt: string, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_BYTES));
}

/** What both ends of one TLS connection agree on: `exporter` is its exported keying material, 32 bytes. */
export interface LinkEnds {
  readonly exporter: Uint8Array;
  /** The dialler. */
  readonly client: PeerId;
  readonly server: PeerId;
}

/** The MAC of a preface: `role` holds the group key and is this end of this connection. */
export function linkProof(group: Uint8Array, role: 'client' | 'server', ends: LinkEnds): Buffer {
  return mac(group, `potluck/v1/link/${role}`, ends.exporter, fromHex(ends.client), fromHex(ends.server));
}

/** What both ends of a join agree on; `name` is what the joiner calls itself. */
export interface JoinEnds {
  readonly exporter: Uint8Array;
  readonly joiner: PeerId;
  readonly member: PeerId;
  readonly name: string;
}

/** The MAC of a join's first frame (`joiner`) or of its answer (`member`), under the key of an invitation. */
export function joinProof(key: Uint8Array, role: 'joiner' | 'member', ends: JoinEnds): Buffer {
  return mac(key, `potluck/v1/join/${role}`, ends.exporter, fromHex(ends.joiner), fromHex(ends.member), ends.name);
}

/** The MAC by which agent (`server`) and local client prove the token to each other; each puts its own nonce last. */
export function localProof(
  token: Uint8Array,
  role: 'client' | 'server',
  nonces: { readonly server: Uint8Array; readonly client: Uint8Array },
): Buffer {
  const [first, second] = role === 'client' ? [nonces.server, nonces.client] : [nonces.client, nonces.server];
  return mac(token, `potluck/v1/local/${role}`, first, second);
}

/** The name of the workgroup that has this group key; says nothing about the key. */
export function workgroupId(group: Uint8Array): WorkgroupId {
  return createHash('sha256').update('potluck/v1/wgid').update(group).digest('hex').slice(0, 16) as WorkgroupId;
}
