/**
 * The whole of this floor as one thing to open and close: the port, the peers, joining.
 *
 * Only wiring: what each part does is said where it is. SPEC.md, "Connections".
 */
import type { Closable } from '../platform/scope.js';
import type { Dialler } from './dial.js';
import { NET_LIMITS, type NetLimits } from './net-limits.js';
import { Peers, type PeersOptions } from './peers.js';
import { type ListenOptions, Server } from './server.js';
import { makeDialContext, type TlsIdentity } from './tls.js';

/** A clock on the wall that is so far ahead of the other one tells that the PC slept. */
const SLEPT_MS = 20_000;
const SLEEP_CHECK_MS = 5000;

export interface NetworkOptions extends Omit<PeersOptions, 'dialler'> {
  readonly identity: TlsIdentity;
  readonly listen: ListenOptions;
  /** Shorter times in tests; an agent has NET_LIMITS. */
  readonly limits?: NetLimits;
}

export class Network implements Closable {
  readonly peers: Peers;
  readonly #server: Server;
  #cancelSleepCheck: () => void = () => undefined;

  private constructor(peers: Peers, server: Server) {
    this.peers = peers;
    this.#server = server;
  }

  /** @throws PotluckError FAILED: no port could be had */
  static async open(options: NetworkOptions): Promise<Network> {
    const { identity, membership, clock, log, limits = NET_LIMITS } = options;
    const group = (): Uint8Array | null => membership.group;
    const dialler: Dialler = { id: identity.id, context: makeDialContext(identity), limits, group };
    const peers = new Peers({ ...options, dialler });
    const server = await Server.open(
      {
        ...{ identity, clock, limits, log, group },
        isAcceptableRemote: (address) => options.isAcceptableRemote(address),
        admission: (peer) => peers.admission(peer),
        isJoinOpen: () => false,
        onOpen: (incoming) => peers.take(incoming),
        onJoin: (socket) => void socket.destroy(),
      },
      options.listen,
    );
    const network = new Network(peers, server);
    network.#watchSleep(options);
    return network;
  }

  /** Where this agent listens. */
  get port(): number {
    return this.#server.port;
  }

  /** Says goodbye to all and stops listening. */
  async close(): Promise<void> {
    this.#cancelSleepCheck();
    await this.peers.close();
    await this.#server.close();
  }

  #watchSleep({ clock }: Pick<NetworkOptions, 'clock'>): void {
    let awakeAtMs = clock.wallMs();
    const check = (): void => {
      if (clock.wallMs() - awakeAtMs > SLEPT_MS) this.peers.networkChanged();
      awakeAtMs = clock.wallMs();
      this.#cancelSleepCheck = clock.after(SLEEP_CHECK_MS, check);
    };
    this.#cancelSleepCheck = clock.after(SLEEP_CHECK_MS, check);
  }
}
