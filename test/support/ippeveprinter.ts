/**
 * A network printer of one's own: the IPP Everywhere printer of CUPS (ippeveprinter(1)) inside a host of the
 * lab, which stores each document as it came. It takes one job at a time and answers others with "busy".
 *
 * It does not start without Avahi and D-Bus, so both run privately beside it: the bus on a socket of its
 * own, Avahi in a mount namespace where /run is its own.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Host } from './lab.js';
import { needLab } from './lab.js';
import { firstReason, needPackages, NETWORK_PRINTER } from './packages.js';
import type { Child } from './process.js';
import type { Case } from './spec.js';
import { awaitStored } from './stored.js';
import { temporaryFolder } from './temporary.js';

const PORT = 8631;
const PATH = '/ipp/print';

/** A document as the printer got it. */
export interface Printed {
  readonly file: string;
  readonly format: string;
  readonly title: string;
}

export interface NetworkPrinter {
  /** How other hosts of the lab, and its own, reach it. */
  readonly uri: string;
  /** What it got, oldest first, once there are `count` documents. */
  printed(count: number, limitMs?: number): Promise<Printed[]>;
  readonly process: Child;
}

/** Why there can be no network printer here, or null. */
export function needNetworkPrinter(): string | null {
  return firstReason(needLab, () => needPackages(NETWORK_PRINTER));
}

/** Starts a network printer in a host; it ends with the case. */
export async function openNetworkPrinter(
  t: Case,
  host: Host,
  formats: readonly string[] = ['application/pdf', 'image/jpeg', 'image/pwg-raster', 'text/plain'],
): Promise<NetworkPrinter> {
  const folder = temporaryFolder(t);
  const at = (name: string): string => path.join(folder, name);
  for (const name of ['spool', 'stored']) await mkdir(at(name));
  await writeFile(at('bus.conf'), busConf(at('bus')));
  await writeFile(at('avahi.conf'), AVAHI_CONF);
  await writeFile(at('store'), storeScript(at('stored')), { mode: 0o755 });
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${at('bus')}`, LC_ALL: 'C.UTF-8' };

  const bus = await host.spawn('dbus-daemon', [`--config-file=${at('bus.conf')}`, '--nofork', '--print-address=1']);
  await bus.line(/unix:path/);
  const avahi = await host.spawn('unshare', ['-m', 'sh', '-c', RUN_AVAHI, at('avahi.conf')], { env });
  await avahi.line(/Server startup complete/);
  const options = ['-p', String(PORT), '-d', at('spool'), '-c', at('store'), '-f', formats.join(','), '-2', '-vvv'];
  const printer = await host.spawn('ippeveprinter', [...options, 'Lab printer'], { env });
  // It says nothing when it is ready, but it listens before it lists its attributes.
  await printer.line(/which-jobs-supported/);
  return {
    uri: `ipp://${host.address}:${PORT}${PATH}`,
    process: printer,
    printed: async (count, limitMs) => {
      const files = await awaitStored(at('stored'), /^\d+\.doc$/, count, limitMs);
      return Promise.all(files.map(readPrinted));
    },
  };
}

async function readPrinted(file: string): Promise<Printed> {
  const [format = '', title = ''] = (await readFile(file.replace(/\.doc$/, '.meta'), 'utf8')).split('\n');
  return { file, format, title };
}

/** Gives Avahi a /run of its own, then becomes it; $0 is its configuration. */
const RUN_AVAHI = `mount -t tmpfs none /run && mkdir /run/avahi-daemon && chown avahi:avahi /run/avahi-daemon &&
exec avahi-daemon -f "$0" --no-rlimits --no-drop-root --no-chroot --no-proc-title`;

const AVAHI_CONF = `[server]
use-ipv4=yes
use-ipv6=no
[publish]
publish-hinfo=no
publish-workstation=no
`;

function busConf(socket: string): string {
  return `<busconfig>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;
}

/** What ippeveprinter runs for each job, the spooled document as $1 and the job's attributes as IPP_*. */
function storeScript(stored: string): string {
  return `#!/bin/sh
set -e
base="${stored}/$IPP_JOB_ID"
printf '%s\\n%s\\n' "$CONTENT_TYPE" "$IPP_JOB_NAME" >"$base.meta"
cat -- "$1" >"$base.part"
mv -- "$base.part" "$base.doc"
`;
}
