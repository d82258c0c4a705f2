/**
 * What peers tell each other unasked: `peer.info` about themselves, `peer.addresses` about others.
 *
 * A note is sent when a session begins and when what it says has changed since, gathered for a moment so that
 * a burst of changes is one note. SPEC.md, "Peer information".
 */
import * as v from 'valibot';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import { type Address, PeerAddresses, PeerInfo } from '../../protocol/peer/info.js';
import { type KnownPeer, reachedAt } from './known-peer.js';
import { faultFields } from './link.js';

const GATHER_MS = 200;

/** What this PC tells a peer about itself, besides its name. */
export type OwnInfo = Omit<PeerInfo, 'name'>;

export interface PeerNotesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly ownName: () => string;
  readonly info: (peer: PeerId) => OwnInfo;
  /** Everybody who is known. */
  readonly peers: () => Iterable<KnownPeer>;
}

export class PeerNotes {
  readonly #options: PeerNotesOptions;
  #cancel: (() => void) | null = null;

  constructor(options: PeerNotesOptions) {
    this.#options = options;
  }

  /** Tells one peer now what it has not been told. Never throws: it is called from timers. */
  tell(peer: KnownPeer): void {
    try {
      this.#tell(peer);
    } catch (thrown) {
      this.#options.log.error('note.fault', faultFields(thrown));
    }
  }

  /** Tells everybody soon. Cheap: call it whenever something may have changed. */
  tellAllSoon(): void {
    this.#cancel ??= this.#options.clock.after(GATHER_MS, () => {
      this.#cancel = null;
      for (const peer of this.#options.peers()) this.tell(peer);
    });
  }

  close(): void {
    this.#cancel?.();
  }

  #tell(peer: KnownPeer): void {
    const { session } = peer;
    if (session === null) return;
    const info = { name: this.#options.ownName(), ...this.#options.info(peer.id) };
    const infoText = JSON.stringify(info);
    if (infoText !== peer.toldInfo) session.send({ t: 'note', m: 'peer.info', b: info });
    peer.toldInfo = infoText;

    const addresses = this.#addressesFor(peer);
    const addressesText = JSON.stringify(addresses);
    const isNews = addresses.peers.length > 0 && addressesText !== peer.toldAddresses;
    if (isNews) session.send({ t: 'note', m: 'peer.addresses', b: addresses });
    peer.toldAddresses = addressesText;
  }

  /** Where the others are reached now. A link-local address means nothing on another PC. */
  #addressesFor(receiver: KnownPeer): v.InferOutput<typeof PeerAddresses> {
    const peers = [...this.#options.peers()].flatMap((peer) => {
      const address = peer.id === receiver.id ? null : reachedAt(peer);
      return address === null || address.host.includes('%') ? [] : [{ peer: peer.id, addresses: [address] }];
    });
    return { peers };
  }
}

/** @throws PotluckError BAD_MESSAGE */
export function readPeerInfo(body: unknown): PeerInfo {
  return readNote(PeerInfo, body);
}

/** @throws PotluckError BAD_MESSAGE */
export function readPeerAddresses(body: unknown): { readonly peer: PeerId; readonly address: Address }[] {
  return readNote(PeerAddresses, body).peers.flatMap(({ peer, addresses }) =>
    addresses.map((address) => ({ peer, address })),
  );
}

function readNote<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, body);
  if (!read.success) throw new PotluckError('BAD_MESSAGE', 'a note cannot be read');
  return read.output;
}
