/**
 * Debian packages that a test needs and a machine may lack: installed on the spot where that is possible,
 * otherwise the reason why the case is skipped. For `{ needs: () => needPackages(CUPS) }`.
 *
 * It is synchronous because `needs` is asked while the cases are declared. Test files run side by side, so
 * an installation holds a lock of the kernel, which a crash cannot leave behind.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Namespaces, bridges, traffic shaping: `ip` and `tc`. */
export const LAB = ['iproute2'] as const;
/** `nft`, for a host that takes no connections, or makes none. */
export const FIREWALL = [...LAB, 'nftables'] as const;
/** A print system with PDF and raster queues, and its clients. */
export const CUPS = ['cups', 'cups-client', 'cups-filters', 'ghostscript', 'qpdf', 'poppler-utils'] as const;
/** A network printer of one's own; it refuses to start without Avahi and D-Bus. */
export const NETWORK_PRINTER = [...LAB, 'cups-ipp-utils', 'cups-client', 'avahi-daemon', 'dbus'] as const;

const INSTALL_LIMIT_MS = 10 * 60_000;
const LOCK = '/run/lock/potluck-test-packages';

/**
 * Installs "$@". Nothing of it is started: Debian asks policy-rc.d before it starts a service, and for as long
 * as this runs the answer is no. An administrator's own policy stays. Old lists of packages may still do.
 */
const INSTALL = `set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
quiet='-qq -o DPkg::Lock::Timeout=300'
apt-get $quiet update || true
apt-get $quiet install --yes --no-install-recommends -- "$@"`;

const answers = new Map<string, string | null>();

/** Null when every package is there, perhaps since just now; else why the case cannot run. */
export function needPackages(names: readonly string[]): string | null {
  const key = names.join(' ');
  let answer = answers.get(key);
  if (answer === undefined) {
    answer = install(names);
    answers.set(key, answer);
  }
  return answer;
}

/** Null for root, who may make namespaces, mounts and other users' processes. */
export function needRoot(): string | null {
  return process.getuid?.() === 0 ? null : 'needs root';
}

/** The first reason of several, so that `needs` can be put together. */
export function firstReason(...asked: ReadonlyArray<() => string | null>): string | null {
  for (const ask of asked) {
    const reason = ask();
    if (reason !== null) return reason;
  }
  return null;
}

function install(names: readonly string[]): string | null {
  if (!isDebian()) return `needs Debian with ${names.join(', ')}`;
  const missing = missingOf(names);
  if (missing.length === 0) return null;
  const list = missing.join(', ');
  if (needRoot() !== null) return `needs the Debian packages ${list} (root installs them by itself)`;
  try {
    execFileSync('flock', [LOCK, 'sh', '-c', INSTALL, 'install', ...missing], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    });
  } catch (thrown) {
    return `the Debian packages ${list} cannot be installed: ${lastLine(thrown)}`;
  }
  const still = missingOf(missing);
  if (still.length > 0) return `the Debian packages ${still.join(', ')} are not there after their installation`;
  console.log(`installed the Debian packages ${list}`);
  return null;
}

function isDebian(): boolean {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*\bdebian\b/m.test(readFileSync('/etc/os-release', 'utf8')) && existsSync('/usr/bin/apt-get');
}

function missingOf(names: readonly string[]): string[] {
  let known = '';
  try {
    const format = ['-W', '-f', '${Package} ${db:Status-Status}\\n'];
    known = execFileSync('dpkg-query', [...format, ...names], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (thrown) {
    // dpkg-query fails when it knows nothing of one of them, and has printed the others all the same.
    known = String((thrown as { stdout?: unknown }).stdout ?? '');
  }
  const lines = known.split('\n');
  return names.filter((name) => !lines.includes(`${name} installed`));
}

function lastLine(thrown: unknown): string {
  const { stderr } = thrown as { stderr?: unknown };
  const text = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(thrown);
  return text.trim().split('\n').at(-1) ?? '';
}
