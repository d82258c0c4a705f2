/** A printer as this user's clients see it, and how a printer may be called. */
import { conditionWords } from '../core/print-reasons.js';
import { PotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdText } from '../../protocol/ids.js';
import { NAME_MAX_BYTES } from '../../protocol/limits.js';
import type { PrinterRow } from '../../protocol/local/model.js';
import { safe } from '../../protocol/text.js';
import { cut } from './systems/facts.js';
import type { PrinterFacts } from './systems/system.js';

/** Facts as they come from this PC's own systems or from a coworker. */
export type AnyFacts = Omit<PrinterFacts, 'formats'> & { readonly formats: readonly string[] };

/** Of a printer that was never reached. */
export const UNKNOWN_FACTS: PrinterFacts = {
  state: 'offline',
  accepting: true,
  reasons: [],
  info: '' as PrinterFacts['info'],
  location: '' as PrinterFacts['location'],
  formats: [],
  color: false,
  duplex: false,
  media: [],
  mediaDefault: null,
  copiesMax: 1,
  queued: 0,
};

export interface PrinterOwner {
  readonly peer: PeerId;
  readonly peerName: string;
  readonly name: string;
  readonly uri: string;
  readonly local: boolean;
  readonly shared: boolean;
  readonly only: readonly PeerId[];
}

/** @param because  instead of what follows from the facts */
export function printerRow(facts: AnyFacts, owner: PrinterOwner, because: string = conditionWords(facts)): PrinterRow {
  return {
    peer: peerIdText(owner.peer),
    peerName: owner.peerName,
    name: owner.name,
    state: facts.state,
    reasons: [...facts.reasons],
    because,
    info: facts.info,
    location: facts.location,
    formats: [...facts.formats],
    media: [...facts.media],
    mediaDefault: facts.mediaDefault,
    color: facts.color,
    duplex: facts.duplex,
    copiesMax: facts.copiesMax,
    queued: facts.queued,
    shared: owner.shared,
    only: owner.only.map(peerIdText),
    local: owner.local,
    uri: owner.uri,
  };
}

/**
 * The name that a person gave, or the suggested one, with a number where it is taken.
 * @throws PotluckError NAME_INVALID, ALREADY_EXISTS
 */
export function freePrinterName(asked: string | null, suggested: string, isTaken: (name: string) => boolean): string {
  if (asked === null) {
    const base = cut(suggested.replaceAll('/', ' '), NAME_MAX_BYTES - 4).trim() || 'Printer';
    for (let number = 1; ; number++) {
      const name = number === 1 ? base : `${base} ${number}`;
      if (!isTaken(name)) return name;
    }
  }
  const name = asked.trim();
  const isValid =
    name !== '' && !name.includes('/') && safe(name) === name && Buffer.byteLength(name) <= NAME_MAX_BYTES;
  if (!isValid) {
    throw new PotluckError('NAME_INVALID', 'a printer cannot be called like this', {
      hint: `at most ${NAME_MAX_BYTES} bytes, without a slash`,
    });
  }
  if (isTaken(name)) throw new PotluckError('ALREADY_EXISTS', `this PC has a printer ${name} already`);
  return name;
}
