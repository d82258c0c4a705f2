/**
 * What peers tell each other about themselves and where others were reached. SPEC.md, "Peer information".
 */
import * as v from 'valibot';
import { ADDRESSES_PER_PEER_MAX_COUNT, MEMBERS_MAX_COUNT, NAME_MAX_BYTES, PORT_MIN } from '../limits.js';
import { PeerIdHex } from '../ids.js';
import { peerText } from '../text.js';

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000));
const bytes = v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

/** A place to dial. `host` is an IP address, never a name: nothing that a peer says is looked up. */
export const Address = v.strictObject({
  host: v.pipe(v.string(), v.maxLength(45), v.regex(/^[0-9a-fA-F:.]+$/)),
  port: v.pipe(v.number(), v.integer(), v.minValue(PORT_MIN), v.maxValue(65_535)),
});
export type Address = v.InferOutput<typeof Address>;

/** `peer.info`, a note: sent after `hello` and whenever one of its values changes. */
export const PeerInfo = v.strictObject({
  /** As in `hello`, which is said once: a name may change meanwhile. */
  name: peerText(NAME_MAX_BYTES),
  version: v.pipe(v.string(), v.regex(/^[0-9A-Za-z.+-]{1,32}$/)),
  platform: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,16}$/)),
  /** Of the volume that holds the agent's downloads; null when it cannot be told. */
  disk: v.nullable(v.strictObject({ free: bytes, total: bytes })),
  /** How many shares and printers the receiver may see. */
  shares: count,
  printers: count,
  internet: v.boolean(),
  /** Where the sender listens. */
  addresses: v.pipe(v.array(Address), v.maxLength(ADDRESSES_PER_PEER_MAX_COUNT)),
});
export type PeerInfo = v.InferOutput<typeof PeerInfo>;

/** `peer.addresses`, a note: where the sender reaches other members now. A hint where to dial, nothing more. */
export const PeerAddresses = v.strictObject({
  peers: v.pipe(
    v.array(
      v.strictObject({
        peer: PeerIdHex,
        addresses: v.pipe(v.array(Address), v.maxLength(ADDRESSES_PER_PEER_MAX_COUNT)),
      }),
    ),
    v.maxLength(MEMBERS_MAX_COUNT),
  ),
});
export type PeerAddresses = v.InferOutput<typeof PeerAddresses>;

/** `peer.changed`, a note: the sender's shares or printers changed; a list that is on a screen may be asked for again. */
export const PeerChanged = v.strictObject({ what: v.picklist(['shares', 'printers']) });

/**
 * `dial.back`, a request: the receiver is asked to open this connection to the sender, because the sender
 * could not open it itself (a firewall). The receiver dials the address it knows for the sender and puts
 * the token into the path; the roles stay as if the sender had dialled.
 */
export const DialBack = v.strictObject({
  kind: v.picklist(['pieces', 'stream']),
  token: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
});
export const DialBackAnswer = v.strictObject({});
