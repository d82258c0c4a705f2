/** Methods of the local API about printers and jobs. */
import type { PeerId } from '../../protocol/ids.js';
import type { LocalMethod } from '../../protocol/local/api.js';
import type { Printing } from '../printing/printing.js';
import type { LocalHandlers } from './local-calls.js';

type PrintMethod = Extract<LocalMethod, `printer.${string}` | `job.${string}`>;

export function printingHandlers(
  printing: Printing,
  peerNamed: (typed: string) => PeerId,
): Pick<LocalHandlers, PrintMethod> {
  const { printers } = printing;
  return {
    'printer.list': async (_input, signal) => ({ printers: await printing.printerRows(signal) }),
    'printer.share': ({ name, only = [] }, signal) =>
      printers.share(
        name,
        only.map((typed) => peerNamed(typed)),
        signal,
      ),
    'printer.unshare': ({ name }, signal) => printers.unshare(name, signal),
    'printer.add': ({ uri, name }, signal) => printers.add(uri, name ?? null, signal),
    'printer.remove': ({ name }, signal) => printers.remove(name, signal),
    'job.print': (request, signal) => printing.print(request, signal),
    'job.list': async ({ all }) => ({ jobs: printing.jobRows(all) }),
    'job.cancel': ({ id }, signal) => printing.cancelJob(id, signal),
  };
}
