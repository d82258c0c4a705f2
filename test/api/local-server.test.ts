/** The door of this user's clients: who gets in, what is answered, and what a client cannot do to it. */
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { Log, LogFields } from '../../agent/platform/log.js';
import { openPrivateFolder } from '../../agent/platform/paths.js';
import { PotluckError } from '../../protocol/errors.js';
import { LOCAL_BODY_MAX_BYTES, LOCAL_UNPROVED_MAX_COUNT } from '../../protocol/limits.js';
import { CLIENT_PROOF_BYTES, GREETING_BYTES } from '../../protocol/local/proof.js';
import { connectAgent } from '../../tui/client/connect.js';
import { openFakeAgent, pathsIn, type FakeAgent } from '../support/fake-agent.js';
import { run } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const SELF = {
  id: 'AAAAAAA',
  name: 'ana-laptop',
  workgroup: null,
  version: '0.1.0',
  platform: 'linux',
  port: 17800,
  addresses: [],
  startedAt: '2026-11-21T10:00:00.000Z',
  discovery: true,
  inviteUntil: null,
  downloads: '/home/ana/Downloads',
  disk: null,
  rateDown: 0,
  rateUp: 0,
} as const;

const rename = async ({ name }: { readonly name: string }) => ({ ...SELF, addresses: [], name });

/** A bare connection to the agent's socket. */
function dial(t: Case, agent: FakeAgent): Socket {
  const socket = connect(agent.server.address);
  socket.on('error', () => undefined);
  t.defer(() => socket.destroy());
  return socket;
}

/** Everything that a connection says until it is closed, and how long that took. */
async function untilClosed(socket: Socket): Promise<{ bytes: Buffer; ms: number }> {
  const started = performance.now();
  const parts: Buffer[] = [];
  socket.on('data', (data: Buffer) => parts.push(data));
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { bytes: Buffer.concat(parts), ms: performance.now() - started };
}

/** A connection that has proved the token, and speaks bytes. */
async function proven(t: Case, agent: FakeAgent): Promise<Socket> {
  const socket = await connectAgent(agent.paths, t.signal);
  t.defer(() => socket.destroy());
  socket.on('error', () => undefined);
  return socket;
}

function post(method: string, body: string, headers = 'content-type: application/json'): string {
  return `POST /v1/${method} HTTP/1.1\r\nhost: agent\r\n${headers}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Reads until what came matches. */
async function reads(socket: Socket, pattern: RegExp): Promise<RegExpExecArray> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const part of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    text += part;
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
  throw new Error(`closed after: ${text}`);
}

async function answerTo(t: Case, agent: FakeAgent, request: string): Promise<{ status: number; body: unknown }> {
  const socket = await proven(t, agent);
  socket.write(request);
  const [, status, body] = await reads(socket, /^HTTP\/1.1 (\d{3})[^]*?\r\n\r\n(\{[^]*\})$/);
  return { status: Number(status), body: JSON.parse(body ?? 'null') as unknown };
}

const mode = (file: string): number => lstatSync(file).mode & 0o777;

spec('local server: who gets in', (it) => {
  it('closes a stranger that says nothing after two seconds, and tells it 36 bytes', async (t) => {
    const agent = await openFakeAgent(t);
    const { bytes, ms } = await untilClosed(dial(t, agent));
    assert.is(bytes.length, GREETING_BYTES);
    assert.ok(ms > 1500 && ms < 6000, `${ms} ms`);
  });

  it('parses no byte before the proof: HTTP without one is closed unanswered', async (t) => {
    const agent = await openFakeAgent(t, { 'agent.rename': rename });
    const socket = dial(t, agent);
    socket.write(post('agent.rename', '{"name":"evil"}'));
    const { bytes } = await untilClosed(socket);
    assert.is(bytes.length, GREETING_BYTES);
    assert.equal(agent.asked, []);
  });

  for (const [what, answer] of Object.entries({
    'a wrong token': Buffer.alloc(CLIENT_PROOF_BYTES, 7),
    'garbage that is too long': Buffer.alloc(100_000, 7),
  })) {
    it(`closes ${what} at once`, async (t) => {
      const agent = await openFakeAgent(t);
      const socket = dial(t, agent);
      await once(socket, 'readable');
      socket.write(answer);
      const { bytes, ms } = await untilClosed(socket);
      assert.is(bytes.length, GREETING_BYTES);
      assert.ok(ms < 1500, `${ms} ms`);
    });
  }

  it('takes a client that holds the token, and refuses the token of the run before', async (t) => {
    const first = await openFakeAgent(t, { 'agent.rename': rename });
    const old = readFileSync(first.paths.token, 'utf8');
    assert.equal(await answerTo(t, first, post('agent.rename', '{"name":"x"}')), {
      status: 200,
      body: { ok: { ...SELF, name: 'x' } },
    });
    await first.server.close();
    const second = await openFakeAgent(t, {}, { home: first.paths.home });
    assert.is.not(readFileSync(second.paths.token, 'utf8'), old);
    writeFileSync(second.paths.token, old);
    const thrown = await connectAgent(second.paths, t.signal).catch((error: unknown) => error);
    assert.is((thrown as PotluckError).code, 'NOT_ALLOWED');
  });

  it('keeps socket, folder and token to this user', async (t) => {
    const agent = await openFakeAgent(t);
    assert.is(mode(agent.server.address), 0o600);
    assert.is(mode(path.dirname(agent.server.address)), 0o700);
    assert.is(mode(agent.paths.token), 0o600);
  });

  it(
    'refuses another user of this PC',
    async (t) => {
      const agent = await openFakeAgent(t);
      const script = `require('net').connect(${JSON.stringify(agent.server.address)}).on('error', (e) => console.log(e.code)).on('connect', () => console.log('in'))`;
      const { stdout } = await run(process.execPath, ['-e', script], { uid: 65534, cwd: '/' });
      assert.is(stdout.trim(), 'EACCES');
    },
    { needs: () => (process.getuid?.() === 0 ? null : 'needs root') },
  );

  it('bounds those that have not proved themselves', async (t) => {
    const agent = await openFakeAgent(t, { 'agent.rename': rename });
    const idle = Array.from({ length: LOCAL_UNPROVED_MAX_COUNT }, () => dial(t, agent));
    await Promise.all(idle.map((socket) => once(socket, 'readable')));
    const { bytes } = await untilClosed(dial(t, agent));
    assert.is(bytes.length, 0);
    for (const socket of idle) socket.destroy();
  });
});

spec('local server: its socket', (it) => {
  it('takes the place of an agent that was killed', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const { places } = pathsIn(home);
    const socket = places[0]?.socket ?? '';
    openPrivateFolder(home);
    openPrivateFolder(path.dirname(socket));
    const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await run(process.execPath, ['-e', script]);
    assert.ok(existsSync(socket), 'the killed one left its socket');
    const agent = await openFakeAgent(t, { 'agent.rename': rename }, { home });
    assert.is((await answerTo(t, agent, post('agent.rename', '{"name":"x"}'))).status, 200);
  });

  it('never takes the place of one that answers', async (t) => {
    const agent = await openFakeAgent(t, { 'agent.rename': rename });
    const thrown = await openFakeAgent(t, {}, { home: agent.paths.home }).catch((error: unknown) => error);
    assert.is((thrown as PotluckError).code, 'AGENT_RUNNING');
    assert.ok(existsSync(agent.server.address));
  });

  it('refuses a file, a linked folder and an open folder in its place', async (t) => {
    const cases: Record<string, (home: string) => void> = {
      file: (home) => {
        openPrivateFolder(path.join(home, 'run'));
        writeFileSync(path.join(home, 'run', 'agent.sock'), '');
      },
      link: (home) => symlinkSync(temporaryFolder(t), path.join(home, 'run')),
      open: (home) => {
        const before = process.umask(0);
        openPrivateFolder(path.join(home, 'other'));
        process.umask(before);
        symlinkSync('other', path.join(home, 'run'));
      },
    };
    for (const [what, prepare] of Object.entries(cases)) {
      const home = path.join(temporaryFolder(t), 'agent');
      openPrivateFolder(home);
      prepare(home);
      const thrown = await openFakeAgent(t, {}, { home }).catch((error: unknown) => error);
      assert.is((thrown as PotluckError).code, 'UNSAFE_FILES', what);
    }
  });

  it('goes elsewhere when the path of the home is too long for a socket', async (t) => {
    const home = path.join(temporaryFolder(t), 'x'.repeat(90));
    const agent = await openFakeAgent(t, { 'agent.rename': rename }, { home });
    assert.not(agent.server.address.startsWith(home));
    assert.is((await answerTo(t, agent, post('agent.rename', '{"name":"x"}'))).status, 200);
  });

  it('is gone after close, which takes less than a second with clients connected and calls running', async (t) => {
    let aborted = false;
    const agent = await openFakeAgent(t, {
      'agent.status': (_input, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason as Error);
          });
        }),
    });
    const caller = await proven(t, agent);
    caller.write(post('agent.status', '{}'));
    const watcher = await proven(t, agent);
    watcher.write('GET /v1/watch HTTP/1.1\r\nhost: agent\r\n\r\n');
    await reads(watcher, /"snapshot"/);
    const started = performance.now();
    await agent.server.close();
    assert.ok(performance.now() - started < 1000);
    assert.ok(aborted);
    assert.not(existsSync(agent.server.address));
  });
});

spec('local server: calls', (it) => {
  it('serves many calls on one connection', async (t) => {
    const agent = await openFakeAgent(t, { 'agent.rename': rename });
    const socket = await proven(t, agent);
    socket.setEncoding('utf8');
    for (const name of ['a', 'b', 'c']) {
      socket.write(post('agent.rename', JSON.stringify({ name })));
      await reads(socket, new RegExp(`"name":"${name}".*\\}\\}$`, 's'));
    }
    assert.is(agent.asked.length, 3);
  });

  const REFUSED: Record<string, [request: string, status: number, code: string]> = {
    'an unknown method': [post('agent.explode', '{}'), 500, 'UNSUPPORTED'],
    'a method of every object': [post('constructor', '{}'), 500, 'UNSUPPORTED'],
    'another verb': ['GET /v1/agent.status HTTP/1.1\r\nhost: a\r\n\r\n', 500, 'UNSUPPORTED'],
    'another content type': [post('agent.rename', '{"name":"x"}', 'content-type: text/plain'), 500, 'BAD_MESSAGE'],
    'no JSON': [post('agent.rename', '{"name":'), 500, 'BAD_MESSAGE'],
    'a prototype': [post('agent.rename', '{"name":"x","__proto__":{}}'), 500, 'BAD_MESSAGE'],
    'a missing field': [post('agent.rename', '{}'), 400, 'USAGE'],
    'an extra field': [post('agent.rename', '{"name":"x","more":1}'), 400, 'USAGE'],
    'a name without end': [post('agent.rename', `{"name":"${'x'.repeat(600)}"}`), 400, 'USAGE'],
    'a body that is too large': [
      `POST /v1/agent.rename HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${LOCAL_BODY_MAX_BYTES + 1}\r\n\r\n`,
      500,
      'TOO_LARGE',
    ],
  };
  for (const [what, [request, status, code]] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, async (t) => {
      const agent = await openFakeAgent(t, { 'agent.rename': rename });
      const answer = await answerTo(t, agent, request);
      assert.is(answer.status, status);
      assert.is((answer.body as { error: { code: string } }).error.code, code);
      assert.equal(agent.asked, []);
    });
  }

  it('counts a body without a stated length, and cuts it at its bound', async (t) => {
    const agent = await openFakeAgent(t, { 'agent.rename': rename });
    const socket = await proven(t, agent);
    socket.write(
      'POST /v1/agent.rename HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const part = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent <= LOCAL_BODY_MAX_BYTES; sent += 0x10000) socket.write(part);
    const [, code] = await reads(socket, /"code":"(\w+)"/);
    assert.is(code, 'TOO_LARGE');
  });

  it('hands on the error of a handler with its hint', async (t) => {
    const agent = await openFakeAgent(t, {
      'agent.rename': async () => {
        throw new PotluckError('NAME_INVALID', 'x: no name', { hint: 'potluck name y' });
      },
    });
    assert.equal(await answerTo(t, agent, post('agent.rename', '{"name":"x"}')), {
      status: 400,
      body: { error: { code: 'NAME_INVALID', message: 'x: no name', hint: 'potluck name y' } },
    });
  });

  it('tells a client nothing of a fault but INTERNAL, and the log where, without the message', async (t) => {
    const logged: [string, LogFields][] = [];
    const note = (event: string, fields: LogFields = {}): void => void logged.push([event, fields]);
    const log: Log = { debug: note, info: note, warn: note, error: note, part: () => log };
    const failing = { 'agent.rename': async () => Promise.reject(new TypeError('secret of bruno\u001b[2J')) };
    const agent = await openFakeAgent(t, failing, { log });
    const answer = await answerTo(t, agent, post('agent.rename', '{"name":"x"}'));
    assert.equal(answer.body, { error: { code: 'INTERNAL', message: 'unexpected failure', hint: 'potluck log' } });
    assert.is(logged.length, 1);
    assert.match(JSON.stringify(logged), /local\.failed.*agent\.rename.*TypeError.*local-server\.test/);
    assert.not.match(JSON.stringify(logged), /secret/);
  });

  it('aborts what a client asked for when the client goes away', async (t) => {
    const aborted = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const agent = await openFakeAgent(t, {
      'agent.status': (_input, signal) => {
        signal.addEventListener('abort', () => aborted.resolve((signal.reason as Error).message));
        begun.resolve();
        return new Promise(() => undefined);
      },
    });
    const socket = await proven(t, agent);
    socket.write(post('agent.status', '{}'));
    await begun.promise;
    socket.destroy();
    assert.match(await aborted.promise, /went away/);
  });
});

spec('local server: a socket that another program holds', (it) => {
  it('is told apart by the client: no proof, no request', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const real = await openFakeAgent(t, {}, { home });
    await real.server.close();
    const heard: Buffer[] = [];
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined).on('data', (data: Buffer) => heard.push(data));
      socket.write(Buffer.concat([Buffer.from([0x50, 0x54, 0x43, 1]), Buffer.alloc(32, 1)]));
      socket.write(Buffer.alloc(32, 2));
    });
    impostor.listen(real.server.address);
    t.defer(() => impostor.close());
    await once(impostor, 'listening');
    const thrown = await connectAgent(real.paths, t.signal).catch((error: unknown) => error);
    assert.is((thrown as PotluckError).code, 'NOT_ALLOWED');
    assert.ok(Buffer.concat(heard).length <= CLIENT_PROOF_BYTES);
  });
});
