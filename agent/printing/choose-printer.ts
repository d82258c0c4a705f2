/**
 * Which printer a person means, and how a job asks it for what the person wants.
 */
import type { LocalPrinters } from './local-printers.js';
import type { PeerPrinters } from './peer-printers.js';
import { type AnyFacts, UNKNOWN_FACTS } from './printer-row.js';
import { formatName } from '../../protocol/document.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId, PrinterId } from '../../protocol/ids.js';
import type { LocalRequest } from '../../protocol/local/api.js';
import { collisionKey } from '../../protocol/path.js';
import type { Ticket } from '../../protocol/peer/printing.js';
import { safe } from '../../protocol/text.js';
import { cut } from './systems/facts.js';

export interface ChosenPrinter {
  readonly owner: PeerId;
  readonly id: PrinterId;
  readonly name: string;
  /** As last seen. */
  readonly facts: AnyFacts;
}

export interface ChooseServices {
  readonly self: PeerId;
  readonly local: LocalPrinters;
  readonly remote: PeerPrinters;
  /** @throws PotluckError PEER_UNKNOWN, PEER_AMBIGUOUS */
  readonly peerNamed: (typed: string) => PeerId;
  readonly nameOf: (peer: PeerId) => string;
  readonly isOnline: (peer: PeerId) => boolean;
}

const TITLE_MAX_BYTES = 127;
const NO_PRINTER = { hint: 'potluck printers' };

/**
 * @param typed  `PEER/PRINTER`, a name that only one printer has, an address of `printers`; undefined where there
 *   is only one printer
 * @throws PotluckError PRINTER_UNKNOWN, PEER_UNKNOWN, PEER_AMBIGUOUS, PEER_OFFLINE, USAGE
 */
export async function choosePrinter(
  services: ChooseServices,
  typed: string | undefined,
  signal: AbortSignal,
): Promise<ChosenPrinter> {
  if (typed === undefined) return theOnlyOne(services, signal);
  if (/^(?:cups|tray|ipps?):/.test(typed)) return chooseLocal(services, typed, signal);
  const [, peer, name] = /^(?:potluck:)?([^/]+)\/(.+)$/.exec(typed) ?? [];
  if (peer === undefined || name === undefined) return chooseByName(services, typed, signal);
  const owner = services.peerNamed(peer);
  return owner === services.self ? chooseLocal(services, name, signal) : chooseRemote(services, owner, name);
}

async function chooseLocal(
  { self, local }: ChooseServices,
  typed: string,
  signal: AbortSignal,
): Promise<ChosenPrinter> {
  const { id, name, uri } = await local.byName(typed, signal);
  return { owner: self, id, name, facts: local.facts(uri) ?? UNKNOWN_FACTS };
}

async function chooseRemote(services: ChooseServices, owner: PeerId, typed: string): Promise<ChosenPrinter> {
  const { remote, nameOf, isOnline } = services;
  const isMeant = ({ name }: { name: string }): boolean => collisionKey(name) === collisionKey(typed.trim());
  if (!remote.of(owner).some(isMeant)) await remote.refresh(owner);
  const printer = remote.of(owner).find(isMeant);
  if (printer !== undefined) return { owner, id: printer.id, name: printer.name, facts: printer };
  const what = `${safe(nameOf(owner))} has no printer ${safe(typed)}`;
  if (isOnline(owner)) throw new PotluckError('PRINTER_UNKNOWN', `${what} that you may use`, NO_PRINTER);
  throw new PotluckError('PEER_OFFLINE', `${what} that is known here, and it is offline`);
}

async function chooseByName(services: ChooseServices, typed: string, signal: AbortSignal): Promise<ChosenPrinter> {
  const { local, remote, self } = services;
  await remote.refreshAll();
  const key = collisionKey(typed.trim());
  const owners = remote.all().filter(({ printer }) => collisionKey(printer.name) === key);
  const ours = await local.byName(typed, signal).catch((thrown: unknown) => {
    if (thrown instanceof PotluckError && thrown.code === 'PRINTER_UNKNOWN') return null;
    throw thrown;
  });
  const peers = [...(ours === null ? [] : [self]), ...owners.map(({ peer }) => peer)];
  const [only, ...others] = peers;
  if (only === undefined) {
    throw new PotluckError('PRINTER_UNKNOWN', `${safe(typed)}: there is no such printer`, NO_PRINTER);
  }
  if (others.length > 0) {
    const names = peers.map((peer) => `${safe(services.nameOf(peer))}/${safe(typed)}`).join(', ');
    throw new PotluckError('USAGE', `${safe(typed)}: several printers have this name: ${names}`, NO_PRINTER);
  }
  return only === self ? chooseLocal(services, typed, signal) : chooseRemote(services, only, typed);
}

async function theOnlyOne(services: ChooseServices, signal: AbortSignal): Promise<ChosenPrinter> {
  const [rows] = await Promise.all([services.local.list(signal), services.remote.refreshAll()]);
  const all = [...rows, ...services.remote.rows()];
  const [only] = all;
  if (only === undefined) {
    throw new PotluckError('PRINTER_UNKNOWN', 'there is no printer to print on', {
      hint: 'a coworker shares one with: potluck printer share NAME',
    });
  }
  if (all.length > 1) {
    throw new PotluckError('USAGE', `there are ${all.length} printers: say which one is meant`, {
      hint: `--printer '${safe(only.peerName)}/${safe(only.name)}'; potluck printers shows all`,
    });
  }
  if (only.local) return chooseLocal(services, only.uri, signal);
  const owner = services.remote.all()[0]?.peer;
  return owner === undefined ? chooseLocal(services, only.uri, signal) : chooseRemote(services, owner, only.name);
}

/**
 * The job's ticket. @param fileName  the title, unless one is given
 * @throws PotluckError USAGE: more copies than the printer makes, paper that it does not have
 */
export function ticketOf(request: LocalRequest<'job.print'>, fileName: string, facts: AnyFacts): Ticket {
  const { copies, pages, duplex, color, media } = request;
  const isKnown = facts !== UNKNOWN_FACTS;
  if (isKnown && copies > facts.copiesMax) {
    throw new PotluckError('USAGE', `this printer makes at most ${facts.copiesMax} copies`);
  }
  if (pages?.some(([from, to]) => from > to)) throw new PotluckError('USAGE', 'a range of pages ends before it begins');
  const title = cut((request.title ?? fileName).toWellFormed().replaceAll(/\p{Cc}+/gu, ' '), TITLE_MAX_BYTES);
  const sides = { long: 'two-sided-long-edge', short: 'two-sided-short-edge', off: 'one-sided' } as const;
  return {
    title: title as Ticket['title'],
    copies,
    ...(pages === undefined ? {} : { pages }),
    ...(duplex === undefined ? {} : { sides: sides[duplex] }),
    ...(color === undefined ? {} : { color: color ? ('color' as const) : ('monochrome' as const) }),
    ...(media === undefined ? {} : { media: mediaNamed(media, facts) }),
  };
}

/** `A4` and `letter` as the printer calls them: `iso_a4_210x297mm` (PWG 5101.1). */
function mediaNamed(typed: string, { media }: AnyFacts): string {
  const wanted = typed.trim().toLowerCase();
  const found = media.find((name) => name === wanted) ?? media.find((name) => name.split('_')[1] === wanted);
  const usual = USUAL_MEDIA[wanted];
  if (found !== undefined) return found;
  if (media.length === 0) {
    const isKeyword = /^[a-z0-9][a-z0-9._-]{0,126}$/.test(wanted);
    if (usual !== undefined || isKeyword) return usual ?? wanted;
  }
  const has = media.map((name) => name.split('_')[1] ?? name).slice(0, 12);
  throw new PotluckError('USAGE', `this printer has no paper ${safe(typed)}`, { hint: `it has ${has.join(', ')}` });
}

const USUAL_MEDIA: Readonly<Record<string, string>> = {
  a3: 'iso_a3_297x420mm',
  a4: 'iso_a4_210x297mm',
  a5: 'iso_a5_148x210mm',
  letter: 'na_letter_8.5x11in',
  legal: 'na_legal_8.5x14in',
};

/** @throws PotluckError FORMAT_UNSUPPORTED, with what the printer takes */
export function refuseFormat(format: string, fileName: string, { name, facts }: ChosenPrinter): void {
  if (facts.formats.length === 0 || facts.formats.includes(format)) return;
  const takes = facts.formats.map(formatName).join(', ');
  throw new PotluckError(
    'FORMAT_UNSUPPORTED',
    `${fileName} is ${formatName(format)}, and ${safe(name)} takes ${takes}`,
    {
      hint: facts.formats.includes('application/pdf') ? 'export it as PDF' : 'choose another printer: potluck printers',
    },
  );
}
