/**
 * A print system of one's own: a private cupsd with its own configuration, spool and backend, on a Unix
 * socket and a port, on this machine or inside a host of the lab. Nothing of the machine's own CUPS is
 * read or changed.
 *
 * Its printers are folders. The backend `keep` stores what the printer would have got, and plays the
 * troubles of a real one on demand, so that a test decides when the paper is out.
 */
import { chmod, chown, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Host } from './lab.js';
import { CUPS, firstReason, needPackages, needRoot } from './packages.js';
import { must, run, start, type Child, type Ended } from './process.js';
import type { Case } from './spec.js';
import { awaitStored } from './stored.js';
import { temporaryFolder } from './temporary.js';

const SYSTEM_BIN = '/usr/lib/cups';
const DRIVERS = {
  /** Takes PDF as it is, with a job header of the printer around it. */
  pdf: ['-P', '/usr/share/ppd/cupsfilters/Generic-PDF_Printer-PDF.ppd'],
  /** Takes nothing but PWG raster, like a cheap driverless printer. */
  raster: ['-m', 'drv:///cupsfilters.drv/pwgrast.ppd'],
} as const;

export type Driver = keyof typeof DRIVERS;
/** What the printer suffers from; each is what the backend says or how it ends (CUPS backend(7)). */
export type Fault = 'paper-out' | 'fail' | 'stop' | 'hold' | 'cancel';

/** A job as its printer got it. */
export interface Kept {
  readonly file: string;
  readonly user: string;
  readonly title: string;
  readonly copies: number;
  readonly options: string;
  /** The type of the bytes in the file, and of the document as it was sent. */
  readonly format: string;
  readonly sent: string;
}

/** Why there can be no private CUPS here, or null. */
export function needCups(): string | null {
  return firstReason(needRoot, () => needPackages(CUPS));
}

/** Starts a private CUPS with the queues `pdf` and `raster`; it ends with the case. */
export async function openCups(t: Case, host: Host | null = null): Promise<Cups> {
  const root = temporaryFolder(t);
  const port = host === null ? await freePort() : 631;
  const cups = new Cups(t, root, port, host);
  await lay(root, [`127.0.0.1:${port}`, ...(host === null ? [] : [`${host.address}:${port}`])]);
  await cups.start();
  await cups.addQueue('pdf', 'pdf');
  await cups.addQueue('raster', 'raster');
  return cups;
}

export class Cups {
  readonly port: number;
  /** What a client's CUPS_SERVER is set to. */
  readonly socket: string;
  readonly #t: Case;
  readonly #root: string;
  readonly #host: Host | null;
  #scheduler: Child | null = null;

  constructor(t: Case, root: string, port: number, host: Host | null) {
    this.#t = t;
    this.#root = root;
    this.port = port;
    this.#host = host;
    this.socket = path.join(root, 'run', 'cups.sock');
  }

  /** Starts the scheduler, again after `end`, and resolves when it answers. */
  async start(): Promise<void> {
    const at = (name: string): string => path.join(this.#root, name);
    const args = ['-f', '-c', at('etc/cupsd.conf'), '-s', at('etc/cups-files.conf')];
    const program = at('cupsd');
    const [file, all] = this.#host === null ? [program, args] : this.#host.inside(program, args);
    this.#scheduler = await start(this.#t, file, all);
    await this.#scheduler.line(/Resuming new connection processing/);
  }

  /** Ends the scheduler; with SIGKILL it loses what it has not yet written to the disk. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#scheduler?.end(signal);
  }

  /** Runs a CUPS client (`lpstat`, `cancel`, `cupsdisable`, …) against this scheduler. */
  client(program: string, ...args: readonly string[]): Promise<Ended> {
    return run(program, args, { env: this.#env() });
  }

  async addQueue(name: string, driver: Driver): Promise<void> {
    const folder = this.#folder(name);
    await mkdir(folder);
    await chmod(folder, 0o777);
    const options = ['-E', '-v', `keep:${folder}`, '-o', 'printer-error-policy=retry-job'];
    await must('lpadmin', ['-p', name, ...options, ...DRIVERS[driver]], { env: this.#env() });
  }

  /** Prints a file; answers the id of the job, like `pdf-3`. */
  async lp(queue: string, file: string, ...options: readonly string[]): Promise<string> {
    const said = await must('lp', ['-d', queue, ...options, '--', file], { env: this.#env() });
    const id = /request id is (\S+)/.exec(said)?.[1];
    if (id === undefined) throw new Error(`lp said: ${said}`);
    return id;
  }

  /** Gives the printer a trouble that stays until it is taken away with null. */
  async fault(queue: string, fault: Fault | null): Promise<void> {
    const file = path.join(this.#folder(queue), 'fault');
    if (fault === null) await rm(file, { force: true });
    else await writeFile(file, fault, { mode: 0o644 });
  }

  /** What the printer of the queue got, oldest first, once there are `count` jobs. */
  async kept(queue: string, count: number, limitMs?: number): Promise<Kept[]> {
    const files = await awaitStored(this.#folder(queue), /^\d+\.prn$/, count, limitMs);
    return Promise.all(files.map(readKept));
  }

  /** The scheduler's log so far. */
  get log(): string {
    return this.#scheduler?.stderr ?? '';
  }

  #folder(queue: string): string {
    return path.join(this.#root, 'out', queue);
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, CUPS_SERVER: this.socket, LC_ALL: 'C.UTF-8' };
  }
}

async function readKept(file: string): Promise<Kept> {
  const lines = (await readFile(file.replace(/\.prn$/, '.meta'), 'utf8')).split('\n');
  const value = (key: string): string => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  return {
    file,
    user: value('user'),
    title: value('title'),
    copies: Number(value('copies')),
    options: value('options'),
    format: value('format'),
    sent: value('sent'),
  };
}

/** Lays out everything that cupsd wants to find, with the owners and modes that it insists on. */
async function lay(root: string, listen: readonly string[]): Promise<void> {
  const printing = Number((await must('id', ['-g', 'lp'])).trim());
  const folders: ReadonlyArray<[name: string, mode: number]> = [
    ['.', 0o755],
    ['etc', 0o755],
    ['etc/ppd', 0o755],
    ['etc/ssl', 0o700],
    ['run', 0o755],
    ['run/certs', 0o511],
    ['cache', 0o770],
    ['spool', 0o710],
    ['spool/tmp', 0o1770],
    ['out', 0o755],
    ['bin', 0o755],
    ['bin/backend', 0o755],
  ];
  for (const [name, mode] of folders) {
    const folder = path.join(root, name);
    await mkdir(folder, { recursive: true });
    await chown(folder, 0, printing);
    await chmod(folder, mode);
  }
  for (const name of await readdir(SYSTEM_BIN)) {
    if (name !== 'backend') await symlink(path.join(SYSTEM_BIN, name), path.join(root, 'bin', name));
  }
  for (const name of ['ipp', 'http', 'socket']) {
    await symlink(path.join(SYSTEM_BIN, 'backend', name), path.join(root, 'bin/backend', name));
  }
  await writeFile(path.join(root, 'bin/backend/keep'), KEEP, { mode: 0o755 });
  // Where AppArmor guards the system's cupsd, it does so by the path of the program: a copy may use our folders.
  await copyFile('/usr/sbin/cupsd', path.join(root, 'cupsd'));
  await writeFile(path.join(root, 'etc/cups-files.conf'), filesConf(root));
  await writeFile(path.join(root, 'etc/cupsd.conf'), schedulerConf(path.join(root, 'run/cups.sock'), listen));
}

function filesConf(root: string): string {
  return `ServerRoot ${root}/etc
StateDir ${root}/run
CacheDir ${root}/cache
RequestRoot ${root}/spool
TempDir ${root}/spool/tmp
ServerBin ${root}/bin
DataDir /usr/share/cups
Printcap
AccessLog ${root}/cache/access_log
PageLog ${root}/cache/page_log
ErrorLog stderr
User lp
Group lp
SystemGroup root
`;
}

/** Everybody may do everything; jobs and queues reach the disk within a second; nothing is forgotten. */
function schedulerConf(socket: string, listen: readonly string[]): string {
  return `LogLevel debug
${listen.map((address) => `Listen ${address}`).join('\n')}
Listen ${socket}
ServerAlias *
Browsing Off
WebInterface No
DefaultEncryption Never
PreserveJobHistory Yes
MaxJobs 0
ErrorPolicy retry-job
JobRetryInterval 2
DirtyCleanInterval 1
<Location />
Order allow,deny
Allow all
</Location>
<Policy default>
JobPrivateValues none
SubscriptionPrivateValues none
<Limit All>
Order deny,allow
</Limit>
</Policy>
`;
}

/** The backend. $1 job, $2 user, $3 title, $4 copies, $5 options, $6 file or standard input: CUPS backend(7). */
const KEEP = `#!/bin/sh
if [ $# -eq 0 ]; then
  echo 'direct keep "Unknown" "Keeps jobs in a folder"'
  exit 0
fi
folder=\${DEVICE_URI#keep:}
isOut=no
while :; do
  fault=
  [ -f "$folder/fault" ] && read -r fault <"$folder/fault"
  case $fault in
    paper-out)
      [ $isOut = yes ] || printf 'STATE: +media-empty-error\\nINFO: Out of paper\\n' >&2
      isOut=yes
      sleep 0.2 ;;
    fail) echo 'ERROR: The printer does not answer' >&2; exit 1 ;;
    hold) exit 3 ;;
    stop) exit 4 ;;
    cancel) exit 5 ;;
    *) break ;;
  esac
done
[ $isOut = no ] || echo 'STATE: -media-empty-error' >&2
umask 022
cat -- \${6:+"$6"} >"$folder/$1.part" || exit 1
printf 'user=%s\\ntitle=%s\\ncopies=%s\\noptions=%s\\nformat=%s\\nsent=%s\\n' \\
  "$2" "$3" "$4" "$5" "$FINAL_CONTENT_TYPE" "$CONTENT_TYPE" >"$folder/$1.meta"
mv -- "$folder/$1.part" "$folder/$1.prn"
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
