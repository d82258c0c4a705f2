/**
 * The joiner's side of an invitation: tries every PC that says it has one open until one proves the same code.
 *
 * The code never leaves this PC. Who holds it proves so, bound to this very TLS connection, in both directions;
 * so a PC that only relays learns nothing and gives nothing. The answer is stored before it is acknowledged: if
 * the last frame is lost, the same PC is answered again. SPEC.md, "Join".
 */
import { withDeadline } from '../platform/clock.js';
import type { Joined } from '../workgroup/membership.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import { type InviteCode, inviteKey } from '../../protocol/invite.js';
import { DIAL_MAX_COUNT, JOIN_CANDIDATES_MAX_COUNT } from '../../protocol/limits.js';
import { joinProof, sameMac } from '../../protocol/mac.js';
import type { Address } from '../../protocol/peer/info.js';
import { ALPN_JOIN } from '../../protocol/version.js';
import { type Dialler, openTls, readOwn } from './dial.js';
import { encodeJoinAsk, encodeJoinDone, readJoinGrant } from './join-frames.js';
import { Slots } from './slots.js';

const REFUSED =
  'no PC that was reached has this invitation open: it is used, it has ended, or it is of another workgroup';

export interface JoinOptions {
  readonly dialler: Pick<Dialler, 'id' | 'context' | 'limits'>;
  readonly code: InviteCode;
  /** What this PC calls itself, 1 to 64 bytes. */
  readonly name: string;
  /** PCs that may hold the invitation, tried as they come; more than a dozen are ignored. */
  readonly candidates: Iterable<Address> | AsyncIterable<Address>;
  /** Stores what the member gave. @throws PotluckError INVITE_REFUSED: the record does not let this PC in */
  readonly accept: (joined: Joined) => Promise<void>;
}

/** Who let this PC in, and where that PC is. */
export interface JoinedBy {
  readonly member: PeerId;
  readonly address: Address;
}

/**
 * @param signal  ends the attempt
 * @throws PotluckError INVITE_REFUSED: no PC that was reached holds it; PEER_UNREACHABLE: none was reached; TIMEOUT;
 *   CANCELLED; and whatever `accept` throws
 */
export async function join(options: JoinOptions, signal: AbortSignal): Promise<JoinedBy> {
  const found = new AbortController();
  const slots = new Slots(DIAL_MAX_COUNT);
  const attempts: Promise<void>[] = [];
  const failures: PotluckError[] = [];
  const outcome: { joined: JoinedBy | null; fatal: PotluckError | null } = { joined: null, fatal: null };
  try {
    await withDeadline(options.dialler.limits.joinMs, signal, async (deadline) => {
      const trying = AbortSignal.any([deadline, found.signal]);
      for await (const address of untilAborted(options.candidates, trying)) {
        if (attempts.length >= JOIN_CANDIDATES_MAX_COUNT || trying.aborted) break;
        attempts.push(attempt(address, trying));
      }
      await Promise.all(attempts);
    });
  } catch (thrown) {
    if (outcome.joined === null) throw toPotluckError(thrown);
  } finally {
    found.abort();
  }
  if (outcome.joined !== null) return outcome.joined;
  throw outcome.fatal ?? verdict(failures);

  async function attempt(address: Address, trying: AbortSignal): Promise<void> {
    let release: (() => void) | null = null;
    try {
      release = await slots.take(trying);
      const member = await joinAt(options, address, trying, async (joined) => {
        // Two addresses of one PC may both answer: the first answer counts.
        if (found.signal.aborted) throw new PotluckError('CANCELLED', 'another PC has answered');
        found.abort();
        try {
          await options.accept(joined);
        } catch (thrown) {
          outcome.fatal = toPotluckError(thrown);
          throw thrown;
        }
      });
      outcome.joined = { member, address };
    } catch (thrown) {
      failures.push(toPotluckError(thrown));
    } finally {
      release?.();
    }
  }
}

/** What comes before the signal aborts: who waits for one more candidate must not wait on when one has let it in. */
async function* untilAborted<T>(source: Iterable<T> | AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next === null || next.done === true) return;
    yield next.value;
  }
}

/** @returns who let this PC in */
async function joinAt(
  { dialler, code, name }: JoinOptions,
  address: Address,
  signal: AbortSignal,
  accept: (joined: Joined) => Promise<void>,
): Promise<PeerId> {
  const { limits } = dialler;
  const socket = await openTls(dialler, { address, alpn: ALPN_JOIN }, signal);
  try {
    const { id, exporter } = readOwn(socket, ALPN_JOIN);
    if (id === dialler.id) throw new PotluckError('USAGE', 'this address is this PC');
    const key = inviteKey(code);
    const ends = { exporter, joiner: dialler.id, member: id, name };
    socket.write(encodeJoinAsk({ proof: joinProof(key, 'joiner', ends), name }));
    const { proof, joined } = await withDeadline(limits.joinStepMs, signal, (step) =>
      readJoinGrant(socket, step),
    ).catch(refusal);
    if (!sameMac(proof, joinProof(key, 'member', ends))) throw new PotluckError('INVITE_REFUSED', REFUSED);
    await accept(joined);
    socket.write(encodeJoinDone());
    socket.destroySoon();
    return id;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

/** A member that does not hold the code hangs up without a word. */
function refusal(thrown: unknown): never {
  const error = toPotluckError(thrown);
  if (error.code === 'PEER_UNREACHABLE') throw new PotluckError('INVITE_REFUSED', REFUSED);
  throw error;
}

function verdict(failures: readonly PotluckError[]): PotluckError {
  if (failures.some(({ code }) => code === 'INVITE_REFUSED' || code === 'NOT_ALLOWED' || code === 'BAD_MESSAGE')) {
    return new PotluckError('INVITE_REFUSED', REFUSED, { hint: 'ask for a new invitation' });
  }
  return new PotluckError('PEER_UNREACHABLE', 'no PC with an open invitation was found on this network', {
    hint: 'potluck workgroup join CODE --peer HOST',
  });
}
