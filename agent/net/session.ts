/**
 * The time in which a peer is online: one link after another when two crossed, and the requests on them.
 *
 * Who uses a session does not see which link carries it. While one link is exchanged for the other, what is
 * sent waits a moment; when the last link is gone, every question is answered with PEER_OFFLINE.
 */
import type { PeerId } from '../../protocol/ids.js';
import { PotluckError } from '../../protocol/errors.js';
import { MESSAGES_BURST_MAX_COUNT } from '../../protocol/limits.js';
import type { Link, OutgoingMessage, SessionMessage } from './link.js';
import { Requests, type RequestsOptions } from './requests.js';

export class Session {
  readonly peer: PeerId;
  readonly requests: Requests;
  #link: Link;
  /** What was sent while no link was open. */
  #held: OutgoingMessage[] = [];

  constructor(link: Link, options: Omit<RequestsOptions, 'send' | 'peer'>) {
    this.peer = link.peer;
    this.#link = link;
    this.requests = new Requests({ ...options, peer: link.peer, send: (message) => this.send(message) });
  }

  /** The link that carries what is sent; it may have ended while another one is still being opened. */
  get link(): Link {
    return this.#link;
  }

  /** @throws PotluckError TOO_LARGE */
  send(message: OutgoingMessage): void {
    if (this.#link.isOpen) this.#link.send(message);
    else if (this.#held.length < MESSAGES_BURST_MAX_COUNT) this.#held.push(message);
  }

  receive(message: SessionMessage): void {
    this.requests.receive(message);
  }

  /** Goes on over this link. */
  use(link: Link): void {
    this.#link = link;
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.send(message);
  }

  end(): void {
    this.#held = [];
    this.requests.end(new PotluckError('PEER_OFFLINE', 'the coworker is offline'));
  }
}
