/**
 * Where a print system is reached: the address of a printer as a person gives it, and the server that
 * every program of this PC prints through.
 *
 * Only what the user of this PC typed or configured is ever looked up or dialled: an address that a
 * peer or an announcement names would make this agent a tool against other machines.
 */
import { PotluckError } from '../../../protocol/errors.js';

export type IppPlace =
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean };

export interface PrinterAddress {
  readonly place: IppPlace;
  /** Of the HTTP request. */
  readonly path: string;
  /** The normal form: what the printer is told and what is shown. */
  readonly uri: string;
}

const IPP_PORT = 631;
const URI_MAX_CHARS = 1023;

/**
 * Reads `ipp://HOST[:PORT][/PATH]` or `ipps://…` (RFC 3510, RFC 7472).
 * @throws PotluckError USAGE with what is wrong
 */
export function parsePrinterAddress(typed: string): PrinterAddress {
  const match = /^(ipps?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/i.exec(
    typed.trim(),
  );
  const [, scheme = '', host = '', port, path] = match ?? [];
  const number = port === undefined ? IPP_PORT : Number(port);
  if (match === null || typed.length > URI_MAX_CHARS || number < 1 || number > 65_535) {
    throw new PotluckError('USAGE', 'this is not the address of a printer', {
      hint: 'ipp://HOST/ipp/print, as the printer shows it in its own settings',
    });
  }
  const tls = scheme.toLowerCase() === 'ipps';
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase();
  const where = path === undefined || path === '/' ? '/ipp/print' : path;
  const shown = `${host.toLowerCase()}${number === IPP_PORT ? '' : `:${number}`}`;
  return {
    place: { type: 'tcp', host: plain, port: number, tls },
    path: where,
    uri: `${tls ? 'ipps' : 'ipp'}://${shown}${where}`,
  };
}

/** What decides where CUPS is. */
export interface CupsSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of each client.conf that exists, the system's first, then the user's. */
  readonly clientConfs: readonly string[];
  /** The sockets of local servers that exist, the usual one first. */
  readonly sockets: readonly string[];
}

/** Where the server of CUPS listens by default, by system. */
export const CUPS_SOCKETS = ['/run/cups/cups.sock', '/var/run/cups/cups.sock', '/private/var/run/cupsd'] as const;

/** The server of this PC, found as every client of CUPS finds it: client.conf(5), cups(1). */
export function cupsPlace(around: CupsSurroundings): IppPlace {
  const named = around.clientConfs.map(serverName).findLast((name) => name !== null) ?? null;
  const told = around.env['CUPS_SERVER'] || named;
  // "/version=1.1" behind a name asks for an old protocol, which this one is readable to.
  const server = told?.replace(/\/version=[\d.]+$/, '') ?? '';
  if (server.startsWith('/')) return { type: 'socket', path: server };
  const port = Number(around.env['IPP_PORT']) || IPP_PORT;
  if (server !== '') {
    const match = /^(\[[^\]]+\]|[^:]+|[0-9A-Fa-f:]+)(?::(\d{1,5}))?$/.exec(server);
    const host = (match?.[1] ?? server).replace(/^\[|\]$/g, '');
    return { type: 'tcp', host, port: Number(match?.[2] ?? port), tls: false };
  }
  const [socket] = around.sockets;
  return socket === undefined ? { type: 'tcp', host: 'localhost', port, tls: false } : { type: 'socket', path: socket };
}

function serverName(conf: string): string | null {
  const lines = conf.split('\n').map((line) => /^\s*ServerName\s+(\S+)/i.exec(line)?.[1] ?? null);
  return lines.findLast((name) => name !== null) ?? null;
}
