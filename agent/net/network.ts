/**
 * The whole of this floor as one thing to open and close: the port, the peers, joining.
 *
 * Only wiring: what each part does is said where it is. SPEC.md, "Connections".
 */
import type { Closable } from '../platform/scope.js';
import type { Membership } from '../workgroup/membership.js';
import type { PeerId } from '../../protocol/ids.js';
import type { InviteCode } from '../../protocol/invite.js';
import type { Address } from '../../protocol/peer/info.js';
import type { Dialler } from './dial.js';
import { join } from './join.js';
import { JoinDoor, type JoinInvites, type JoinMembership } from './join-door.js';
import { NET_LIMITS, type NetLimits } from './net-limits.js';
import { Peers, type PeersOptions } from './peers.js';
import { DEFAULT_PORTS, type ListenOptions, Server } from './server.js';
import { makeDialContext, type TlsIdentity } from './tls.js';
import { resolveTypedAddress } from './typed-address.js';

/** A clock on the wall that is so far ahead of the other one tells that the PC slept. */
const SLEPT_MS = 20_000;
const SLEEP_CHECK_MS = 5000;

export interface NetworkOptions extends Omit<PeersOptions, 'dialler'> {
  readonly identity: TlsIdentity;
  readonly membership: PeersOptions['membership'] & JoinMembership & Pick<Membership, 'accept'>;
  readonly invites: JoinInvites;
  readonly listen: ListenOptions;
  /** Shorter times in tests; an agent has NET_LIMITS. */
  readonly limits?: NetLimits;
}

export class Network implements Closable {
  readonly peers: Peers;
  readonly #options: NetworkOptions;
  readonly #dialler: Dialler;
  readonly #server: Server;
  readonly #joinDoor: JoinDoor;
  #cancelSleepCheck: () => void = () => undefined;

  private constructor(options: NetworkOptions, dialler: Dialler, server: Server, peers: Peers, joinDoor: JoinDoor) {
    this.#options = options;
    this.#dialler = dialler;
    this.#server = server;
    this.#joinDoor = joinDoor;
    this.peers = peers;
  }

  /** @throws PotluckError FAILED: no port could be had */
  static async open(options: NetworkOptions): Promise<Network> {
    const { identity, membership, invites, clock, log, limits = NET_LIMITS } = options;
    const group = (): Uint8Array | null => membership.group;
    const dialler: Dialler = { id: identity.id, context: makeDialContext(identity), limits, group };
    const peers = new Peers({ ...options, dialler });
    const joinDoor = new JoinDoor({ id: identity.id, clock, limits, log, invites, membership });
    const server = await Server.open(
      {
        identity,
        clock,
        limits,
        log,
        group,
        isAcceptableRemote: options.isAcceptableRemote,
        admission: (peer) => peers.admission(peer),
        isJoinOpen: () => invites.isOpen(),
        onOpen: (incoming) => peers.take(incoming),
        onJoin: (socket, handshake, host) => joinDoor.take(socket, handshake, host),
      },
      options.listen,
    ).catch(async (thrown: unknown) => {
      // Nobody else would end what the peers have begun.
      await peers.close();
      throw thrown;
    });
    const network = new Network(options, dialler, server, peers, joinDoor);
    network.#watchSleep();
    return network;
  }

  /** Where this agent listens. */
  get port(): number {
    return this.#server.port;
  }

  /**
   * Joins the workgroup of whoever holds this invitation open, and links to that PC.
   * @param candidates  announced PCs with an open invitation, as they are found
   * @param typed       the address of one that a person knows; null for none
   * @throws PotluckError INVITE_REFUSED, PEER_UNREACHABLE, ALREADY_MEMBER, USAGE, TIMEOUT, CANCELLED, NO_SPACE
   */
  async join(
    code: InviteCode,
    candidates: Iterable<Address> | AsyncIterable<Address>,
    typed: string | null,
    signal: AbortSignal,
  ): Promise<PeerId> {
    const { membership, ownName, isAcceptableRemote } = this.#options;
    const places = typed === null ? candidates : await resolveTypedAddress(typed, DEFAULT_PORTS, signal);
    const { member, address } = await join(
      {
        dialler: this.#dialler,
        code,
        name: ownName(),
        candidates: near(places, isAcceptableRemote),
        accept: (joined) => membership.accept(joined),
      },
      signal,
    );
    this.peers.joinedAt(address, member);
    return member;
  }

  /** Reaches a coworker at an address that a person typed; see Peers.connect. */
  connect(typed: string, signal: AbortSignal): Promise<PeerId> {
    return this.peers.connect(typed, DEFAULT_PORTS, signal);
  }

  /** Says goodbye to all and stops listening. */
  async close(): Promise<void> {
    this.#cancelSleepCheck();
    await this.#joinDoor.close();
    await this.peers.close();
    await this.#server.close();
  }

  #watchSleep(): void {
    const { clock } = this.#options;
    let awakeAtMs = clock.wallMs();
    const check = (): void => {
      if (clock.wallMs() - awakeAtMs > SLEPT_MS) this.peers.networkChanged();
      awakeAtMs = clock.wallMs();
      this.#cancelSleepCheck = clock.after(SLEEP_CHECK_MS, check);
    };
    this.#cancelSleepCheck = clock.after(SLEEP_CHECK_MS, check);
  }
}

/** Only addresses of the office's network are ever dialled. */
async function* near(
  addresses: Iterable<Address> | AsyncIterable<Address>,
  isAcceptableRemote: (address: string) => boolean,
): AsyncGenerator<Address> {
  for await (const address of addresses) if (isAcceptableRemote(address.host)) yield address;
}
