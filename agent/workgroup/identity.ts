/**
 * Who this PC is: a key made at the first start, and nothing else.
 *
 * Coworkers know the PC by the hash of its public key, so whoever reads the file is this PC to them: it is private,
 * and refused when it is not. A file that is damaged stops the agent instead of being replaced, because a new key
 * would silently make this PC a stranger. A key that was removed from a workgroup can never come back into it, so
 * after leaving or being removed the key is retired and the next opening of the agent has another. SPEC.md, "Identity".
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { PotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdOf } from '../../protocol/ids.js';
import { readPrivateFile, writePrivateFile } from '../platform/files.js';
import { certificatePem, makeCertificate } from './certificate.js';

const FILE_MAX_BYTES = 16 * 1024;

const Stored = v.strictObject({
  v: v.literal(1),
  key: v.string(),
  certificate: v.string(),
});

export interface Identity {
  readonly id: PeerId;
  /** The public key, DER. */
  readonly spki: Buffer;
  readonly keyPem: string;
  readonly certificatePem: string;
  /** ECDSA P-256 with SHA-256, IEEE P1363, 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
  /** Was this key given up? Then the agent is to be opened anew, with the next one. */
  readonly isRetired: boolean;
  /** Gives this key up: when the promise resolves, the next opening has a new one. Idempotent. */
  retire(): Promise<void>;
}

/**
 * Opens this PC's identity, and makes it at the first start. Killed at any moment it leaves a whole identity or none.
 * @param folder  private, see platform/paths
 * @throws PotluckError UNSAFE_FILES: other users can read it; FAILED: it is damaged; NO_SPACE
 */
export async function openIdentity(folder: string): Promise<Identity> {
  const file = path.join(folder, 'identity.json');
  const content = await readPrivateFile(file, FILE_MAX_BYTES);
  const stored = content === null ? await makeStored(file) : parseStored(file, content);
  return identityOf(file, stored);
}

async function makeStored(file: string): Promise<v.InferOutput<typeof Stored>> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const stored = {
    v: 1 as const,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    certificate: certificatePem(makeCertificate(privateKey, spki, randomBytes)),
  };
  await writePrivateFile(file, `${JSON.stringify(stored, null, 2)}\n`);
  return stored;
}

function parseStored(file: string, content: Buffer): v.InferOutput<typeof Stored> {
  try {
    return v.parse(Stored, JSON.parse(content.toString()));
  } catch (thrown) {
    throw damaged(file, thrown);
  }
}

function identityOf(file: string, stored: v.InferOutput<typeof Stored>): Identity {
  const { key: keyPem, certificate } = stored;
  const { privateKey, spki } = readKeys(file, keyPem, certificate);
  let retiring: Promise<void> | null = null;
  return {
    id: peerIdOf(createHash('sha256').update(spki).digest()),
    spki,
    keyPem,
    certificatePem: certificate,
    sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    get isRetired() {
      return retiring !== null;
    },
    retire() {
      retiring ??= makeStored(file).then(() => undefined);
      return retiring;
    },
  };
}

/** Certificate and key belong together and are of the one kind that peers take, or the file is damaged. */
function readKeys(file: string, keyPem: string, certificate: string) {
  try {
    const privateKey = createPrivateKey(keyPem);
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    const x509 = new X509Certificate(certificate);
    const isP256 = privateKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    if (isP256 && x509.checkPrivateKey(privateKey) && x509.verify(x509.publicKey)) return { privateKey, spki };
  } catch (thrown) {
    throw damaged(file, thrown);
  }
  throw damaged(file);
}

function damaged(file: string, cause?: unknown): PotluckError {
  return new PotluckError('FAILED', `${file} is damaged: it holds the key by which coworkers know this PC`, {
    hint: `restore it from a backup, or move it away to start as a new PC that has to be invited again`,
    ...(cause === undefined ? {} : { cause }),
  });
}
