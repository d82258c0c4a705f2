/** The identity: made once, kept whole, refused when others could read it. */
import { createHash, createPrivateKey, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { makeCertificate } from '../../agent/workgroup/certificate.js';
import { openIdentity } from '../../agent/workgroup/identity.js';
import { parsePeerIdText, peerIdText } from '../../protocol/ids.js';
import { needPackages } from '../support/packages.js';
import { must, start } from '../support/process.js';
import { refusal } from '../support/refusal.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

spec('identity', (it) => {
  it('is made at the first start and the same ever after, for this user only', async (t) => {
    const folder = temporaryFolder(t);
    const first = await openIdentity(folder);
    const second = await openIdentity(folder);
    assert.is(second.id, first.id);
    assert.is(second.keyPem, first.keyPem);
    assert.is(second.certificatePem, first.certificatePem);
    assert.is(statSync(path.join(folder, 'identity.json')).mode & 0o777, 0o600);
    assert.equal(readdirSync(folder), ['identity.json']);
  });

  it('is the hash of its public key, and can be written by people', async (t) => {
    const { id, spki } = await openIdentity(temporaryFolder(t));
    assert.is(id, createHash('sha256').update(spki).digest('hex'));
    assert.is(spki.length, 91);
    assert.is(parsePeerIdText(peerIdText(id)), id);
  });

  it('signs 64 bytes that its public key verifies', async (t) => {
    const identity = await openIdentity(temporaryFolder(t));
    const { spki } = identity;
    const signature = identity.sign(Buffer.from('text'));
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    assert.is(signature.length, 64);
    assert.ok(verify('sha256', Buffer.from('text'), { key, dsaEncoding: 'ieee-p1363' }, signature));
    assert.not(verify('sha256', Buffer.from('Text'), { key, dsaEncoding: 'ieee-p1363' }, signature));
  });

  it('is never the same on two PCs', async (t) => {
    const [one, other] = await Promise.all([openIdentity(temporaryFolder(t)), openIdentity(temporaryFolder(t))]);
    assert.is.not(one.id, other.id);
  });

  it('is refused when other users can read it, and says what mends it', async (t) => {
    const folder = temporaryFolder(t);
    const { id } = await openIdentity(folder);
    chmodSync(path.join(folder, 'identity.json'), 0o644);
    const { code, hint } = await refusal(() => openIdentity(folder));
    assert.is(code, 'UNSAFE_FILES');
    await must('sh', ['-c', hint ?? '']);
    assert.is((await openIdentity(folder)).id, id);
  });

  it('is not replaced when its file is damaged', async (t) => {
    const other = await openIdentity(temporaryFolder(t));
    const DAMAGE: Record<string, (text: string) => string> = {
      empty: () => '',
      'cut short': (text) => text.slice(0, 200),
      'of another version': (text) => text.replace('"v": 1', '"v": 2'),
      'with a broken key': (text) => text.replace('BEGIN PRIVATE', 'BEGIN PRIVATF'),
      "with another's certificate": (text) =>
        JSON.stringify({ ...(JSON.parse(text) as object), certificate: other.certificatePem }),
    };
    for (const [what, damage] of Object.entries(DAMAGE)) {
      const folder = temporaryFolder(t);
      const file = path.join(folder, 'identity.json');
      await openIdentity(folder);
      const text = damage(readFileSync(file, 'utf8'));
      writeFileSync(file, text);
      const { code, message } = await refusal(() => openIdentity(folder));
      assert.is(code, 'FAILED', what);
      assert.match(message, /is damaged/, what);
      assert.is(readFileSync(file, 'utf8'), text, what);
    }
  });

  it('is another one at the next opening after it was retired', async (t) => {
    const folder = temporaryFolder(t);
    const identity = await openIdentity(folder);
    assert.not(identity.isRetired);
    await Promise.all([identity.retire(), identity.retire()]);
    assert.ok(identity.isRetired);
    const next = await openIdentity(folder);
    assert.is.not(next.id, identity.id);
    assert.is((await openIdentity(folder)).id, next.id);
  });

  it(
    'is whole or not there after kill -9 during the first start',
    async (t) => {
      const module = import.meta.resolve('../../agent/workgroup/identity.js');
      for (let round = 0; round < 12; round++) {
        const folder = temporaryFolder(t);
        const program = `
        import { openIdentity } from ${JSON.stringify(module)};
        console.log('making');
        await openIdentity(${JSON.stringify(folder)});`;
        const child = await start(t, process.execPath, ['--input-type=module', '-e', program]);
        await child.line(/making/);
        await sleep(Math.random() * 8);
        child.signal('SIGKILL');
        await child.ended;
        const { id } = await openIdentity(folder);
        assert.is((await openIdentity(folder)).id, id, `round ${round}`);
        assert.equal(readdirSync(folder), ['identity.json'], `round ${round}`);
      }
    },
    { limitMs: 60_000 },
  );
});

spec('certificate', (it) => {
  it('says nothing but the key, and never ends', async (t) => {
    const { certificatePem, spki } = await openIdentity(temporaryFolder(t));
    const certificate = new X509Certificate(certificatePem);
    assert.is(certificate.subject, 'CN=potluck');
    assert.is(certificate.issuer, 'CN=potluck');
    assert.is(certificate.validTo, 'Dec 31 23:59:59 9999 GMT');
    assert.is(certificate.subjectAltName, undefined);
    assert.ok(certificate.publicKey.export({ format: 'der', type: 'spki' }).equals(spki));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(certificate.raw.length < 300);
  });

  it('is written in the shortest form, whatever is drawn for its serial number', async (t) => {
    const { keyPem, spki } = await openIdentity(temporaryFolder(t));
    for (const fill of [0x00, 0x7f, 0x80, 0xff]) {
      const der = makeCertificate(createPrivateKey(keyPem), spki, (count) => Buffer.alloc(count, fill));
      const { serialNumber, raw } = new X509Certificate(der);
      assert.is(serialNumber.length, 32);
      assert.ok(raw.equals(der));
    }
  });

  it(
    'is sound to OpenSSL, signature included',
    async (t) => {
      const folder = temporaryFolder(t);
      const file = path.join(folder, 'certificate.pem');
      for (let round = 0; round < 8; round++) {
        const { certificatePem } = await openIdentity(temporaryFolder(t));
        writeFileSync(file, certificatePem);
        await must('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-CAfile', file, file]);
      }
      const text = await must('openssl', ['x509', '-in', file, '-noout', '-text']);
      assert.match(text, /Version: 3/);
      assert.match(text, /ecdsa-with-SHA256/);
      assert.match(text, /Not After : Dec 31 23:59:59 9999 GMT/);
    },
    { needs: () => needPackages(['openssl']) },
  );

  it('has another serial number each time', async (t) => {
    const { keyPem, spki } = await openIdentity(temporaryFolder(t));
    const serials = Array.from(
      { length: 8 },
      () => new X509Certificate(makeCertificate(createPrivateKey(keyPem), spki, randomBytes)).serialNumber,
    );
    assert.is(new Set(serials).size, 8);
  });
});
