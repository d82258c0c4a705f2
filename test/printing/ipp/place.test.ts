/** Where a print system is: what a person types, and where every client of CUPS would look. */
import * as assert from 'uvu/assert';
import { cupsPlace, parsePrinterAddress } from '../../../agent/printing/ipp/place.js';
import { PotluckError } from '../../../protocol/errors.js';
import { spec } from '../../support/spec.js';

const tcp = (host: string, port = 631): unknown => ({ type: 'tcp', host, port, tls: false });

spec('the address of a printer', (it) => {
  const taken: Record<string, [uri: string, host: string, port: number, path: string, tls: boolean]> = {
    'ipp://printer.local/ipp/print': ['ipp://printer.local/ipp/print', 'printer.local', 631, '/ipp/print', false],
    ' IPP://Printer.Local ': ['ipp://printer.local/ipp/print', 'printer.local', 631, '/ipp/print', false],
    'ipps://10.0.0.7:8631/printers/a': ['ipps://10.0.0.7:8631/printers/a', '10.0.0.7', 8631, '/printers/a', true],
    'ipp://[fe80::1]:631/': ['ipp://[fe80::1]/ipp/print', 'fe80::1', 631, '/ipp/print', false],
  };
  for (const [typed, [uri, host, port, path, tls]] of Object.entries(taken)) {
    it(`is read: ${typed}`, () => {
      assert.equal(parsePrinterAddress(typed), { uri, path, place: { type: 'tcp', host, port, tls } });
    });
  }
  const refused = [
    '',
    'printer',
    'http://printer/',
    'ipp://',
    'ipp://a:0/x',
    'ipp://a:70000/x',
    'ipp://u:p@a/x',
    'ipp://a/b c',
  ];
  for (const typed of refused) {
    it(`is refused: ${typed}`, () => {
      assert.throws(
        () => parsePrinterAddress(typed),
        (thrown: unknown) => thrown instanceof PotluckError && thrown.code === 'USAGE',
      );
    });
  }
});

spec('the server of CUPS', (it) => {
  const socket = { type: 'socket', path: '/run/cups/cups.sock' };
  type Around = Parameters<typeof cupsPlace>[0];
  const none: Around = { env: {}, clientConfs: [], sockets: [] };
  const cases: Record<string, [around: Partial<Around>, place: unknown]> = {
    'the usual socket': [{ sockets: ['/run/cups/cups.sock', '/other'] }, socket],
    'localhost where there is no socket': [{}, tcp('localhost')],
    'CUPS_SERVER, a socket': [{ env: { CUPS_SERVER: '/tmp/c.sock' } }, { type: 'socket', path: '/tmp/c.sock' }],
    'CUPS_SERVER, a host and a port': [{ env: { CUPS_SERVER: 'print:8631' } }, tcp('print', 8631)],
    'CUPS_SERVER with an old version': [{ env: { CUPS_SERVER: 'print/version=1.1' } }, tcp('print')],
    'CUPS_SERVER before client.conf': [{ env: { CUPS_SERVER: 'a' }, clientConfs: ['ServerName b'] }, tcp('a')],
    IPP_PORT: [{ env: { CUPS_SERVER: 'a', IPP_PORT: '99' } }, tcp('a', 99)],
    'client.conf before the socket': [{ clientConfs: ['# x\n  servername b:1\n'], sockets: ['/s'] }, tcp('b', 1)],
    'the client.conf of the user before that of the system': [
      { clientConfs: ['ServerName a', 'ServerName b'] },
      tcp('b'),
    ],
    'an empty CUPS_SERVER counts for nothing': [{ env: { CUPS_SERVER: '' }, sockets: ['/run/cups/cups.sock'] }, socket],
    'an IPv6 address': [{ env: { CUPS_SERVER: '[::1]:632' } }, tcp('::1', 632)],
  };
  for (const [what, [around, place]] of Object.entries(cases)) {
    it(`is ${what}`, () => assert.equal(cupsPlace({ ...none, ...around }), place));
  }
});
