/** Keys of peers that exist only in a test. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Signer } from '../../agent/core/roster.js';
import { peerIdOf, type PeerId } from '../../protocol/ids.js';

export function makeSigner(): Signer & { readonly id: PeerId } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return {
    id: peerIdOf(createHash('sha256').update(spki).digest()),
    spki,
    sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}
