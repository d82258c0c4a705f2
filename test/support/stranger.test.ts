/** The stranger says what it should and counts what it gets, or "0 bytes" would prove nothing. */
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import * as assert from 'uvu/assert';
import { openIdentity } from '../../agent/workgroup/identity.js';
import { linkProof } from '../../protocol/mac.js';
import { spec, type Case } from './spec.js';
import { intrude, knock } from './stranger.js';
import { temporaryFolder } from './temporary.js';

async function listen(t: Case, server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.defer(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

spec('stranger', (it) => {
  it('counts what a plain connection says until it is closed', async (t) => {
    const port = await listen(
      t,
      net.createServer((socket) => socket.end('12345')),
    );
    assert.is(await (await knock(t, port)).untilClosed(), 5);
  });

  it('says when it is not hung up on', async (t) => {
    const port = await listen(t, net.createServer());
    const stranger = await knock(t, port);
    const outcome = await stranger.untilClosed(50).catch((thrown: unknown) => String(thrown));
    assert.match(String(outcome), /still connected/);
  });

  it('shows its certificate and the proof of exactly this connection', async (t) => {
    const [own, theirs] = [await openIdentity(temporaryFolder(t)), await openIdentity(temporaryFolder(t))];
    const group = Buffer.alloc(32, 7);
    const asked = Promise.withResolvers<tls.TLSSocket>();
    const options = {
      key: theirs.keyPem,
      cert: theirs.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['potluck/1'],
    };
    const port = await listen(t, tls.createServer(options, asked.resolve));
    const stranger = await intrude(t, { port, key: own });
    const socket = await asked.promise;
    assert.ok(socket.getPeerX509Certificate()?.raw.length);
    const exporter = socket.exportKeyingMaterial(32, 'EXPORTER-potluck-v1', Buffer.from('potluck/1'));
    const proof = linkProof(group, 'client', { exporter, client: own.id, server: theirs.id });
    assert.is(stranger.preface(group, own).toString('hex'), `50544c01${proof.toString('hex')}`);
    socket.end('nothing');
    assert.is(await stranger.untilClosed(), 7);
  });

  it('throws the alert when a handshake is refused', async (t) => {
    const own = await openIdentity(temporaryFolder(t));
    const options = { key: own.keyPem, cert: own.certificatePem, ALPNProtocols: ['potluck/1'] };
    const port = await listen(t, tls.createServer(options));
    const outcome = await intrude(t, { port, key: own, alpn: 'http/1.1' }).catch((thrown: unknown) => String(thrown));
    assert.match(String(outcome), /no application protocol/);
  });
});
