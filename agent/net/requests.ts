/**
 * Requests and answers of one peer, many at once on one link, in both directions.
 *
 * Who asks waits a bounded time, gets an answer that has passed its schema, and can withdraw; who answers is
 * one function handed down, with a signal that ends its work when nobody wants the answer any more. This
 * table outlives a link that is exchanged for another one while both are up. SPEC.md, "Messages".
 */
import * as v from 'valibot';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import { isErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort } from '../../protocol/ids.js';
import { ERROR_MESSAGE_MAX_BYTES, REQUESTS_PER_LINK_MAX_COUNT } from '../../protocol/limits.js';
import {
  type OnProgress,
  PEER_METHODS,
  type PeerAnswer,
  type PeerInput,
  type PeerMethod,
} from '../../protocol/peer/messages.js';
import { faultFields, type OutgoingMessage, type SessionMessage } from './link.js';
import type { NetLimits } from './net-limits.js';

/**
 * Answers a request of a peer. The body is read by the method's schema there, not here.
 * @param signal    aborted when the peer withdraws or goes offline
 * @param progress  sends a sign of life, at most every few seconds; bytes, null where they are not counted
 * @throws PotluckError what the peer is told; anything else becomes INTERNAL and is logged
 */
export type HandleRequest = (
  peer: PeerId,
  method: string,
  body: unknown,
  signal: AbortSignal,
  progress: OnProgress,
) => Promise<unknown>;

/** Takes a note of a peer. Throws PotluckError BAD_MESSAGE for a body that no schema accepts. */
export type HandleNote = (peer: PeerId, note: string, body: unknown) => void;

export interface RequestsOptions {
  readonly peer: PeerId;
  readonly clock: Clock;
  readonly limits: NetLimits;
  readonly log: Log;
  /** @throws PotluckError TOO_LARGE, and then nothing was sent */
  send(message: OutgoingMessage): void;
  readonly handle: HandleRequest;
  readonly note: HandleNote;
}

interface Asked {
  readonly method: PeerMethod;
  readonly onProgress: OnProgress | undefined;
  resolve(body: unknown): void;
  reject(error: PotluckError): void;
  /** Starts the wait for the next sign of life. */
  wait(ms: number): void;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #asked = new Map<number, Asked>();
  readonly #answering = new Map<number, AbortController>();
  #nextId = 0;
  #ended: PotluckError | null = null;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /**
   * @param signal  withdraws the request at the peer
   * @throws PotluckError the peer's own code; TIMEOUT, CANCELLED, PEER_OFFLINE; BUSY: too many are unanswered;
   *   TOO_LARGE: the body does not fit a message; BAD_MESSAGE: the answer is not what the method answers
   */
  ask<M extends PeerMethod>(
    method: M,
    body: PeerInput<M>,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<PeerAnswer<M>> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(toPotluckError(signal.reason));
      if (this.#ended !== null) return reject(this.#ended);
      if (this.#asked.size >= REQUESTS_PER_LINK_MAX_COUNT) {
        return reject(new PotluckError('BUSY', 'too many requests to this coworker are unanswered'));
      }
      const id = this.#freeId();
      let cancelTimer: (() => void) | null = null;
      const settle = (): void => {
        cancelTimer?.();
        signal.removeEventListener('abort', withdraw);
        this.#asked.delete(id);
      };
      const giveUp = (error: PotluckError): void => {
        settle();
        reject(error);
        if (this.#ended === null) this.#options.send({ t: 'cancel', id });
      };
      const withdraw = (): void => giveUp(toPotluckError(signal.reason));
      const asked: Asked = {
        method,
        onProgress,
        resolve: (answer) => {
          settle();
          const read = v.safeParse(PEER_METHODS[method].output, answer);
          if (read.success) resolve(read.output);
          else reject(new PotluckError('BAD_MESSAGE', `the coworker's answer to ${method} cannot be read`));
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        wait: (ms) => {
          cancelTimer?.();
          cancelTimer = this.#options.clock.after(ms, () =>
            giveUp(new PotluckError('TIMEOUT', 'the coworker did not answer in time')),
          );
        },
      };
      this.#asked.set(id, asked);
      signal.addEventListener('abort', withdraw, { once: true });
      asked.wait(this.#options.limits.answerMs);
      try {
        this.#options.send({ t: 'req', id, m: method, b: body ?? null });
      } catch (thrown) {
        asked.reject(toPotluckError(thrown));
      }
    });
  }

  /** @throws PotluckError BAD_MESSAGE: a note that no schema accepts */
  receive(message: SessionMessage): void {
    switch (message.t) {
      case 'req':
        void this.#answer(message.id, message.m, message.b);
        return;
      case 'ans':
        this.#asked.get(message.id)?.resolve(message.b);
        return;
      case 'err':
        this.#asked.get(message.id)?.reject(readFailure(message.code, message.message));
        return;
      case 'wait': {
        const asked = this.#asked.get(message.id);
        asked?.wait(this.#options.limits.answerIdleMs);
        asked?.onProgress?.(message.done ?? null, message.total ?? null);
        return;
      }
      case 'cancel':
        this.#answering.get(message.id)?.abort(new PotluckError('CANCELLED', 'the coworker no longer asks for it'));
        return;
      case 'note':
        this.#options.note(this.#options.peer, message.m, message.b);
        return;
      case 'unsupported':
        this.#options.log.debug('message.unsupported', { peer: peerIdShort(this.#options.peer) });
        return;
      default:
        message satisfies never;
    }
  }

  /** The peer is gone: every question is answered with `error`, every answer that is being worked on is given up. */
  end(error: PotluckError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    for (const asked of this.#asked.values()) asked.reject(error);
    for (const controller of this.#answering.values()) controller.abort(error);
    this.#answering.clear();
  }

  async #answer(id: number, method: string, body: unknown): Promise<void> {
    const { peer, handle, log, clock, limits } = this.#options;
    // Answers to an id that is in use could not be told apart: the peer does not keep to the protocol.
    if (this.#answering.has(id) || this.#answering.size >= REQUESTS_PER_LINK_MAX_COUNT) {
      this.#reply({ t: 'err', id, code: 'BUSY', message: 'too many requests are unanswered' });
      return;
    }
    const controller = new AbortController();
    this.#answering.set(id, controller);
    // A request that was withdrawn keeps its place until the work on it has really stopped.
    const isWanted = (): boolean => this.#answering.get(id) === controller && !controller.signal.aborted;
    let signAtMs = -Infinity;
    const progress: OnProgress = (done, total) => {
      if (clock.nowMs() - signAtMs < limits.progressMs || !isWanted()) return;
      signAtMs = clock.nowMs();
      this.#reply({ t: 'wait', id, ...(done === null ? {} : { done }), ...(total === null ? {} : { total }) });
    };
    let reply: OutgoingMessage;
    try {
      reply = { t: 'ans', id, b: (await handle(peer, method, body, controller.signal, progress)) ?? null };
    } catch (thrown) {
      const error = toPotluckError(thrown);
      if (error.code === 'INTERNAL')
        log.error('request.fault', { method: method.slice(0, 33), ...faultFields(thrown) });
      reply = { t: 'err', id, code: error.code, message: cut(error.message) };
    }
    if (isWanted()) this.#reply(reply);
    if (this.#answering.get(id) === controller) this.#answering.delete(id);
  }

  #reply(message: OutgoingMessage): void {
    try {
      this.#options.send(message);
    } catch (thrown) {
      if (message.t !== 'ans') throw thrown;
      this.#options.log.error('answer.too-large', { peer: peerIdShort(this.#options.peer) });
      this.#options.send({ t: 'err', id: message.id, code: 'TOO_LARGE', message: 'the answer does not fit a message' });
    }
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) % 2 ** 32;
    while (this.#asked.has(this.#nextId));
    return this.#nextId;
  }
}

function readFailure(code: string, message: string): PotluckError {
  return new PotluckError(isErrorCode(code) ? code : 'FAILED', message);
}

/** A text within the bound of an error's message, cut between characters. */
export function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= ERROR_MESSAGE_MAX_BYTES) return bytes.toString();
  return bytes
    .subarray(0, ERROR_MESSAGE_MAX_BYTES)
    .toString()
    .replace(/\uFFFD+$/, '');
}
