/** Methods of the local API about printers and jobs. This version has none to offer, and says so. */
import { PotluckError } from '../../protocol/errors.js';
import type { LocalMethod } from '../../protocol/local/api.js';
import type { LocalHandlers } from './local-calls.js';

export function noPrinterHandlers(): Pick<LocalHandlers, Extract<LocalMethod, `printer.${string}` | `job.${string}`>> {
  return {
    'printer.list': async () => ({ printers: [] }),
    'printer.share': refuse,
    'printer.unshare': refuse,
    'printer.add': refuse,
    'printer.remove': refuse,
    'job.print': refuse,
    'job.list': async () => ({ jobs: [] }),
    'job.cancel': refuse,
  };
}

async function refuse(): Promise<never> {
  throw new PotluckError('UNSUPPORTED', 'this version of the agent cannot print yet');
}
