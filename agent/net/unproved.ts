/**
 * How many connections may be open that have proved nothing yet, in all and from one address.
 *
 * Counted here and not by the server's own maximum, because a proved connection must not take the place of
 * a new one. An IPv6 host owns its whole /64, so that counts as one address.
 */
import { isIPv6 } from 'node:net';
import { UNPROVED_SOCKETS_MAX_COUNT, UNPROVED_SOCKETS_PER_ADDRESS_MAX_COUNT } from '../../protocol/limits.js';
import { plainAddress } from '../platform/interfaces.js';

export class UnprovedSockets {
  readonly #perAddress = new Map<string, number>();
  #count = 0;

  /** @returns the function that frees the place, to be called at the proof or at the end; null when there is none */
  enter(address: string): (() => void) | null {
    const key = addressKey(address);
    const already = this.#perAddress.get(key) ?? 0;
    if (this.#count >= UNPROVED_SOCKETS_MAX_COUNT || already >= UNPROVED_SOCKETS_PER_ADDRESS_MAX_COUNT) return null;
    this.#count += 1;
    this.#perAddress.set(key, already + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#count -= 1;
      const left = (this.#perAddress.get(key) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(key);
      else this.#perAddress.set(key, left);
    };
  }

  get count(): number {
    return this.#count;
  }
}

/** The address itself, or the /64 of an IPv6 one. */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
