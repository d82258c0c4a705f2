/** A stranger, a member of another workgroup and a removed member get nothing. SPEC.md, "Connections", "Preface". */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { openIdentity } from '../../agent/workgroup/identity.js';
import type { MemberRow } from '../../protocol/local/api.js';
import type { PeerRow } from '../../protocol/local/model.js';
import { openAgent, type Agent } from '../support/agent.js';
import { sampleBytes } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { intrude, knock, type StrangerKey } from '../support/stranger.js';
import { temporaryFolder } from '../support/temporary.js';
import { openPair, sees, type Pair } from './pair.js';

/** What TLS itself may answer to nonsense: one alert in the clear. */
const ALERT_BYTES = 7;
const WEB_SOCKET = 'GET /v1/link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const SECRET_NAME = 'Salaries';

/** A pair where both share a folder whose name must not leak. */
async function openTarget(t: Case): Promise<Pair> {
  const pair = await openPair(t);
  const shared = temporaryFolder(t);
  await writeFile(path.join(shared, 'list.txt'), 'secret');
  await pair.ana.ask('share', 'add', shared, '--name', SECRET_NAME);
  return pair;
}

/** The key and the certificate of an agent, out of its home. */
async function keyOf(agent: Agent): Promise<StrangerKey> {
  const stored = JSON.parse(await readFile(path.join(agent.home, 'identity.json'), 'utf8')) as Record<string, string>;
  return { keyPem: stored['key'] ?? '', certificatePem: stored['certificate'] ?? '' };
}

/** The workgroup's key that a member holds, out of its home. */
async function groupOf(agent: Agent): Promise<Buffer> {
  const stored = JSON.parse(await readFile(path.join(agent.home, 'workgroup.json'), 'utf8')) as {
    workgroup: { group: string };
  };
  return Buffer.from(stored.workgroup.group, 'base64');
}

/** A key of somebody who is in no workgroup. */
function strangerKey(t: Case): Promise<StrangerKey> {
  return openIdentity(temporaryFolder(t));
}

spec('strangers', (it) => {
  it(
    'get nothing without TLS: the connection ends by itself',
    async (t) => {
      const { ana } = await openTarget(t);
      const [silent, loud] = [await knock(t, ana.port), await knock(t, ana.port)];
      loud.say('GET / HTTP/1.1\r\nHost: potluck\r\n\r\n');
      assert.ok((await loud.untilClosed()) <= ALERT_BYTES);
      assert.is(await silent.untilClosed(), 0);
    },
    { limitMs: 60_000 },
  );

  it(
    'get nothing without a certificate, an ALPN or TLS 1.3',
    async (t) => {
      const { ana } = await openTarget(t);
      const key = await strangerKey(t);
      const port = ana.port;
      const tries = [
        { port, key: null },
        { port, key, alpn: null },
        { port, key, alpn: 'http/1.1' },
        { port, key, version: 'TLSv1.2' as const },
        // Nobody is invited, so nobody can even begin to join.
        { port, key, alpn: 'potluck-join/1' },
      ];
      for (const options of tries) {
        const bytes = await intrude(t, options).then(
          (stranger) => {
            stranger.say(WEB_SOCKET);
            return stranger.untilClosed();
          },
          () => 0,
        );
        assert.is(bytes, 0, JSON.stringify({ ...options, key: options.key !== null }));
      }
    },
    { limitMs: 60_000 },
  );

  it(
    'get nothing with a key of their own, whatever they say first',
    async (t) => {
      const { ana } = await openTarget(t);
      const key = await strangerKey(t);
      const magic = Buffer.from('50544c01', 'hex');
      const says: ReadonlyArray<Uint8Array | string> = [
        '',
        WEB_SOCKET,
        sampleBytes('guess', 36),
        Buffer.concat([magic, sampleBytes('guess', 32)]),
        Buffer.concat([magic, sampleBytes('guess', 4000)]),
      ];
      for (const words of says) {
        const stranger = await intrude(t, { port: ana.port, key });
        stranger.say(words);
        assert.is(await stranger.untilClosed(), 0);
      }
    },
    { limitMs: 90_000 },
  );

  it(
    'get nothing with the proof of another connection',
    async (t) => {
      const { ana, bruno } = await openTarget(t);
      const [key, group] = [await keyOf(bruno), await groupOf(bruno)];
      await bruno.kill9();
      const first = await intrude(t, { port: ana.port, key });
      const proof = first.preface(group, key);
      const second = await intrude(t, { port: ana.port, key });
      second.say(proof);
      assert.is(await second.untilClosed(), 0);
      first.say(proof);
      // The right proof on its own connection is answered, or the case above proves nothing.
      await new Promise((resolve) => first.socket.once('data', resolve));
      assert.is(first.received.length, 36);
    },
    { limitMs: 60_000 },
  );

  it(
    'learn nothing of shares or members even when they hold the key of the workgroup',
    async (t) => {
      const { ana, bruno } = await openTarget(t);
      const [key, group] = [await strangerKey(t), await groupOf(bruno)];
      const stranger = await intrude(t, { port: ana.port, key });
      stranger.say(stranger.preface(group, key));
      stranger.say(WEB_SOCKET);
      await stranger.untilClosed();
      const text = stranger.received.toString('latin1');
      assert.ok(text.length < 2048, `${text.length} bytes`);
      assert.not.match(text, new RegExp(`${SECRET_NAME}|bruno`));
    },
    { limitMs: 60_000 },
  );

  it(
    'from another workgroup stay strangers, by proof and by program',
    async (t) => {
      const { ana } = await openTarget(t);
      const other = await openAgent(t, { name: 'mallory', peers: [ana.port] });
      await other.ask('workgroup', 'create', 'Front office');
      assert.is((await other.text('connect', `127.0.0.1:${ana.port}`)).code === 0, false);
      assert.equal(await other.ask<PeerRow[]>('peers'), []);
      assert.not((await ana.ask<PeerRow[]>('peers')).some((peer) => peer.name === 'mallory'));
      const [key, group] = [await keyOf(other), await groupOf(other)];
      const stranger = await intrude(t, { port: ana.port, key });
      stranger.say(stranger.preface(group, key));
      assert.is(await stranger.untilClosed(), 0);
    },
    { limitMs: 60_000 },
  );

  it(
    'that were members until they were removed get nothing, with their key and the key of the workgroup',
    async (t) => {
      const { ana, bruno } = await openTarget(t);
      const [key, group] = [await keyOf(bruno), await groupOf(bruno)];
      await ana.ask('workgroup', 'remove', 'bruno');
      const { code } = await bruno.text('ls', `ana/${SECRET_NAME}`);
      assert.ok(code !== 0, 'the removed PC sees nothing at once');
      const members = await ana.ask<MemberRow[]>('workgroup', 'members');
      assert.not(members.some((member) => member.name === 'bruno'));
      const stranger = await intrude(t, { port: ana.port, key });
      stranger.say(stranger.preface(group, key));
      assert.is(await stranger.untilClosed(), 0);
      await bruno.restart();
      assert.is.not((await bruno.text('ls', `ana/${SECRET_NAME}`)).code, 0, 'nor after a new start');
    },
    { limitMs: 60_000 },
  );

  it(
    'with a wrong code are not told whether one is open',
    async (t) => {
      const { ana } = await openTarget(t);
      await ana.ask('workgroup', 'invite');
      const guest = await openAgent(t, { name: 'guest', peers: [ana.port] });
      const wrong = 'AAAAA-AAAAA-AAAAA-AAAAA';
      const answer = await guest.cli('workgroup', 'join', wrong, '--peer', `127.0.0.1:${ana.port}`);
      assert.ok(answer.code === 2 || answer.code === 5, `${answer.stdout}${answer.stderr}`);
      const key = await strangerKey(t);
      const stranger = await intrude(t, { port: ana.port, key, alpn: 'potluck-join/1' });
      stranger.say(Buffer.concat([Buffer.from([0, 40, 1]), sampleBytes('mac', 32), Buffer.from('guest')]));
      assert.is(await stranger.untilClosed(), 0);
    },
    { limitMs: 60_000 },
  );

  it(
    'cannot get in by a block that was lifted for another',
    async (t) => {
      const { ana, bruno } = await openTarget(t);
      await ana.ask('block', 'bruno');
      await sees(ana, 'bruno', 'blocked');
      assert.is.not((await bruno.text('ls', `ana/${SECRET_NAME}`)).code, 0);
      await ana.ask('unblock', 'bruno');
      await sees(ana, 'bruno', 'online');
      assert.is((await bruno.text('ls', `ana/${SECRET_NAME}`)).code, 0);
    },
    { limitMs: 60_000 },
  );
});
