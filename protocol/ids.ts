/**
 * Names of things, branded so that one cannot be passed for another.
 *
 * A peer is known by the SHA-256 of its public key (SPKI, DER). Inside and on the wire it is 64 hex
 * digits; for people and in the CLI's JSON it is base32 in eight groups with check characters, the
 * form that Syncthing uses. SPEC.md, "Identity".
 */
import * as v from 'valibot';
import { checkSymbol, fromBase32, RFC4648_ALPHABET, toBase32 } from './base32.js';

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** SHA-256 of the peer's public key (SPKI, DER), 64 lower-case hex digits. */
export type PeerId = Brand<string, 'PeerId'>;
/** BEP 52 merkle root of a file's bytes, 64 lower-case hex digits. Empty files have none. */
export type ContentId = Brand<string, 'ContentId'>;
/** 128 random bits, 32 lower-case hex digits: cannot be guessed by who may not see the share. */
export type ShareId = Brand<string, 'ShareId'>;
/** 128 random bits, 32 lower-case hex digits. */
export type PrinterId = Brand<string, 'PrinterId'>;
/** UUID of a print job, chosen by the requester: the key that keeps it from printing twice. */
export type JobId = Brand<string, 'JobId'>;
/** Short id of a transfer of this agent. */
export type TransferId = Brand<string, 'TransferId'>;
/** First 8 bytes of a hash of the group key, 16 hex digits: names a workgroup without revealing the key. */
export type WorkgroupId = Brand<string, 'WorkgroupId'>;

const pattern = <T>(regex: RegExp, what: string) =>
  v.pipe(
    v.string(),
    v.regex(regex, `not ${what}`),
    v.transform((text) => text as T),
  );

export const PeerIdHex = pattern<PeerId>(/^[0-9a-f]{64}$/, 'a peer id');
export const ContentIdHex = pattern<ContentId>(/^[0-9a-f]{64}$/, 'a content id');
export const ShareIdHex = pattern<ShareId>(/^[0-9a-f]{32}$/, 'a share id');
export const PrinterIdHex = pattern<PrinterId>(/^[0-9a-f]{32}$/, 'a printer id');
export const JobIdText = pattern<JobId>(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'a job id');
export const TransferIdText = pattern<TransferId>(/^t[0-9a-z]{4,16}$/, 'a transfer id');

/** 32 bytes as a PeerId. */
export function peerIdOf(bytes: Uint8Array): PeerId {
  return hex(bytes) as PeerId;
}

/** The form for people: eight groups of seven, e.g. `6ECFZQ5-7QGMRNA-…`; the last symbol of every second group checks. */
export function peerIdText(id: PeerId): string {
  const blocks = toBase32(fromHex(id)).match(/.{13}/g) ?? [];
  const checked = blocks.map((block) => block + checkSymbol(block, RFC4648_ALPHABET)).join('');
  return (checked.match(/.{7}/g) ?? []).join('-');
}

/** The first group: enough to tell a dozen PCs apart on a screen. */
export function peerIdShort(id: PeerId): string {
  return peerIdText(id).slice(0, 7);
}

/**
 * Reads the form for people back. Lower case, spaces and the usual misreadings (0 for O, 1 for I, 8 for B) are taken.
 * @returns null when it is not a whole id or a check character is wrong
 */
export function parsePeerIdText(text: string): PeerId | null {
  const symbols = canonical(text);
  if (symbols.length !== 56) return null;
  const blocks = symbols.match(/.{14}/g) ?? [];
  const sound = blocks.every((block) => {
    const body = block.slice(0, 13);
    return /^[A-Z2-7]+$/.test(body) && block.endsWith(checkSymbol(body, RFC4648_ALPHABET));
  });
  if (!sound) return null;
  const bytes = fromBase32(blocks.map((block) => block.slice(0, 13)).join(''));
  return bytes?.length === 32 ? peerIdOf(bytes) : null;
}

/** Does `typed` begin the id, in the form for people? At least four symbols, so that a name is not taken for one. */
export function isPeerIdPrefix(typed: string, id: PeerId): boolean {
  const symbols = canonical(typed);
  return symbols.length >= 4 && canonical(peerIdText(id)).startsWith(symbols);
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** @param text an even number of hex digits, already checked */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

function canonical(typed: string): string {
  return typed.toUpperCase().replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('8', 'B').replaceAll(/[\s-]/g, '');
}
