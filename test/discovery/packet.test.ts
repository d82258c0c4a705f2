/** mDNS packets as they are read: the announcement in them, and nothing of what else may be there. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { readQuestions, readResponse } from '../../agent/discovery/packet.js';
import { SERVICE_DOMAIN } from '../../protocol/discovery.js';
import { DISCOVERY_RECORDS_MAX_COUNT } from '../../protocol/limits.js';
import { spec } from '../support/spec.js';

const FQDN = `abcdefgh23.${SERVICE_DOMAIN}`;
const TAG = 'hlwnuiomq6yjoza6';
const SRV = { name: FQDN, type: 'SRV', ttl: 120, data: { port: 5000, target: 'abcdefgh23.local' } };
const TXT = { name: FQDN, type: 'TXT', ttl: 120, data: [Buffer.from('v=1'), Buffer.from(`t=${TAG}`)] };
const A = { name: 'abcdefgh23.local', type: 'A', ttl: 120, data: '192.168.1.7' };
const PTR = { name: SERVICE_DOMAIN, type: 'PTR', ttl: 120, data: FQDN };
const packet = (answers: unknown[], additionals: unknown[] = []): unknown => ({
  type: 'response',
  answers,
  additionals,
});
const SIGHTING = { instance: 'abcdefgh23', port: 5000, tag: TAG, isJoinOpen: false, hosts: ['192.168.1.7'] };

const NO_SIGHTINGS: Record<string, unknown> = {
  nothing: undefined,
  'no records': {},
  'records that are no list': { answers: 'x', additionals: [] },
  'no TXT record': packet([PTR, SRV, A]),
  'no SRV record': packet([PTR, TXT, A]),
  'a TXT record of another name': packet([SRV, { ...TXT, name: `other22222.${SERVICE_DOMAIN}` }]),
  'a TXT record without strings': packet([SRV, { ...TXT, data: undefined }]),
  'a service of another type': packet([
    { ...SRV, name: 'abcdefgh23._ipp._tcp.local' },
    { ...TXT, name: 'abcdefgh23._ipp._tcp.local' },
  ]),
  'an instance with a name for people': packet([
    { ...SRV, name: `Ana.${SERVICE_DOMAIN}` },
    { ...TXT, name: `Ana.${SERVICE_DOMAIN}` },
  ]),
  'the type alone': packet([
    { ...SRV, name: SERVICE_DOMAIN },
    { ...TXT, name: SERVICE_DOMAIN },
  ]),
  'a port of the system': packet([{ ...SRV, data: { ...SRV.data, port: 443 } }, TXT]),
  'a port that is none': packet([{ ...SRV, data: { ...SRV.data, port: 65_536 } }, TXT]),
  'no target': packet([{ ...SRV, data: { port: 5000 } }, TXT]),
  'records that are over': packet([
    { ...SRV, ttl: 0 },
    { ...TXT, ttl: 0 },
  ]),
  'the announcement behind too many other records': packet([
    ...Array.from({ length: DISCOVERY_RECORDS_MAX_COUNT }, () => A),
    SRV,
    TXT,
  ]),
};

spec('an mDNS response', (it) => {
  it('is read wherever its records stand, whatever the case of its names', () => {
    for (const one of [packet([PTR, SRV, TXT, A]), packet([PTR], [A, TXT, SRV]), packet([SRV, TXT, A])]) {
      assert.equal(readResponse(one), { sightings: [SIGHTING], goodbyes: [] });
    }
    const loud = JSON.parse(
      JSON.stringify(packet([SRV, A]))
        .toUpperCase()
        .replaceAll(/"[A-Z]+":/g, (key) => key.toLowerCase()),
    ) as { answers: unknown[] };
    assert.equal(readResponse(packet([...loud.answers, TXT])).sightings, [SIGHTING]);
  });

  it('may carry several agents, and addresses of others', () => {
    const other = `other22222.${SERVICE_DOMAIN}`;
    const { sightings } = readResponse(
      packet([SRV, TXT, { ...SRV, name: other }, { ...TXT, name: other }, { ...A, name: 'printer.local' }]),
    );
    assert.equal(
      sightings.map(({ instance, hosts }) => [instance, hosts]),
      [
        ['abcdefgh23', []],
        ['other22222', []],
      ],
    );
  });

  it('gives a few addresses and no more, and only IPv4', () => {
    const many = Array.from({ length: 9 }, (_, n) => ({ ...A, data: `10.0.0.${n}` }));
    const [sighting] = readResponse(
      packet([SRV, TXT, { ...A, data: 'fe80::1' }, { ...A, data: '1.2.3' }, ...many]),
    ).sightings;
    assert.equal(sighting?.hosts, ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  it('is a goodbye when its pointer is over', () => {
    assert.equal(
      readResponse(
        packet([
          { ...PTR, ttl: 0 },
          { ...PTR, ttl: 0 },
        ]),
      ),
      { sightings: [], goodbyes: ['abcdefgh23'] },
    );
    assert.equal(readResponse(packet([{ ...PTR, ttl: 0, data: `Ana.${SERVICE_DOMAIN}` }])).goodbyes, []);
    assert.equal(readResponse(packet([{ ...PTR, ttl: 0, name: '_ipp._tcp.local' }])).goodbyes, []);
  });

  for (const [what, bad] of Object.entries(NO_SIGHTINGS)) {
    it(`shows nobody with ${what}`, () => assert.equal(readResponse(bad), { sightings: [], goodbyes: [] }));
  }

  it('is read or ignored, whatever it is', () => {
    const record = fc.record({
      name: fc.oneof(fc.constantFrom(FQDN, SERVICE_DOMAIN, 'abcdefgh23.local'), fc.anything()),
      type: fc.constantFrom('SRV', 'TXT', 'A', 'PTR', 'NSEC', '__proto__'),
      ttl: fc.oneof(fc.constantFrom(0, 120), fc.anything()),
      data: fc.oneof(fc.constantFrom(SRV.data, TXT.data, A.data, FQDN), fc.anything()),
    });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(record, fc.anything()), { maxLength: 8 }),
        fc.anything(),
        (answers, additionals) => {
          for (const { instance, port } of readResponse({ answers, additionals: [] }).sightings) {
            assert.match(instance, /^[a-z2-7]{10}$/);
            assert.ok(port >= 1024);
          }
          readResponse({ answers, additionals });
          readQuestions({ questions: answers }, [SERVICE_DOMAIN]);
          readQuestions(additionals, [SERVICE_DOMAIN]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

const ask = (name: string, type = 'PTR') => ({ name, type, class: 'IN' });

spec('an mDNS query', (it) => {
  it('is read as far as it is about this agent, each question once', () => {
    const questions = [
      ask(SERVICE_DOMAIN.toUpperCase()),
      ask(SERVICE_DOMAIN),
      ask('_ipp._tcp.local'),
      ask(FQDN, 'SRV'),
      null,
    ];
    assert.equal(readQuestions({ questions }, [SERVICE_DOMAIN, FQDN]), [
      { name: SERVICE_DOMAIN, type: 'PTR' },
      { name: FQDN, type: 'SRV' },
    ]);
    assert.equal(
      readQuestions({ questions: [...Array.from({ length: 64 }, () => ask('x.local')), ask(SERVICE_DOMAIN)] }, [
        SERVICE_DOMAIN,
      ]),
      [],
    );
  });
});
