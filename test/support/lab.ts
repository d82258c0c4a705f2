/**
 * A small office on one machine: hosts as network namespaces on a bridge, with real multicast between them.
 *
 * The bridge lives in a namespace of its own and every cable is a veth pair made inside two of ours, so the
 * machine's own network is never touched. A name holds the process that made it (its id and start time), so
 * labs of two runs do not meet, and the next run sees what a crashed one left behind and removes it.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { firstReason, LAB, needPackages, needRoot } from './packages.js';
import { must, run, start, type Child, type Ended, type StartOptions } from './process.js';
import type { Case } from './spec.js';

const PREFIX = 'potluck-';
const NAME = /^potluck-(\d+)-(\d+)-\d+-(?:h\d+|bridge)$/;
const SELF = `${process.pid}-${startTimeOf(process.pid) ?? 0}`;
let labs = 0;

export interface LabOptions {
  /** How many hosts: `lab.hosts[0]` is 10.77.0.1. */
  readonly hosts: number;
  /** Speed of every host's cable, each way, as tc spells it: `1gbit`. As fast as the machine when left out. */
  readonly rate?: string;
  /** A default route out of the first interface, which leads nowhere. Without it only multicast has a route. */
  readonly defaultRoute?: boolean;
  /** Numbers of the hosts that start without any interface. */
  readonly unplugged?: readonly number[];
}

export interface Lab {
  readonly hosts: readonly Host[];
  /** The n-th host, from 1. */
  host(number: number): Host;
}

/** Bytes that passed an interface, as the kernel counts them: headers included. */
export interface Wire {
  readonly received: number;
  readonly sent: number;
}

/** Why there can be no lab here, or null. */
export function needLab(): string | null {
  return firstReason(needRoot, () => needPackages(LAB));
}

/** Builds a lab that is removed with the case, with every process that still runs in it. */
export async function openLab(t: Case, options: LabOptions): Promise<Lab> {
  await removeLeftovers();
  labs += 1;
  const prefix = `${PREFIX}${SELF}-${labs}-`;
  const bridge = `${prefix}bridge`;
  // Before the first step, so that a step that fails leaves nothing behind.
  t.defer(() => removeNamespaces((name) => name.startsWith(prefix)));

  await must('ip', ['netns', 'add', bridge]);
  const hosts: Host[] = [];
  for (let number = 1; number <= options.hosts; number += 1) {
    const host = new Host(t, `${prefix}h${number}`, bridge, number, options);
    hosts.push(host);
    await must('ip', ['netns', 'add', host.namespace]);
    await must('ip', ['-n', host.namespace, 'link', 'set', 'lo', 'up']);
    // What the PCs of an office use, whatever this machine uses; a kernel may keep it from namespaces.
    await host.exec('tee', ['/proc/sys/net/ipv4/tcp_congestion_control'], { input: 'cubic' });
    if (!(options.unplugged ?? []).includes(number)) await host.addInterface();
  }
  return {
    hosts,
    host: (number) => {
      const host = hosts[number - 1];
      if (host === undefined) throw new Error(`the lab has ${hosts.length} hosts`);
      return host;
    },
  };
}

/** One PC of the lab. Networks are numbered from 0: the n-th is 10.(77 + n).0.0/24, with eth(n) at every host. */
export class Host {
  readonly namespace: string;
  readonly number: number;
  /** Of the first interface. */
  #address: string;
  readonly #t: Case;
  readonly #bridge: string;
  readonly #options: LabOptions;

  constructor(t: Case, namespace: string, bridge: string, number: number, options: LabOptions) {
    this.#t = t;
    this.namespace = namespace;
    this.#bridge = bridge;
    this.number = number;
    this.#options = options;
    this.#address = addressOf(0, number);
  }

  get address(): string {
    return this.#address;
  }

  /** Program and arguments as they run inside this host; the process keeps its id. */
  inside(file: string, args: readonly string[]): [file: string, args: string[]] {
    return ['ip', ['netns', 'exec', this.namespace, file, ...args]];
  }

  /** Runs a program to its end, whatever its code. */
  exec(file: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Ended> {
    return run(...this.inside(file, args), options);
  }

  /** Runs a program that has to succeed; its standard output. */
  must(file: string, args: readonly string[], options: Parameters<typeof must>[2] = {}): Promise<string> {
    return must(...this.inside(file, args), options);
  }

  /** Starts a program that is ended with the case. */
  spawn(file: string, args: readonly string[], options: StartOptions = {}): Promise<Child> {
    return start(this.#t, ...this.inside(file, args), options);
  }

  /** Plugs this host into a network of the lab, which is made when it is not there yet. */
  async addInterface(network = 0): Promise<string> {
    const port = this.#port(network);
    await this.#openNetwork(network);
    const pair = ['type', 'veth', 'peer', 'name', port, 'netns', this.#bridge];
    await must('ip', ['link', 'add', `eth${network}`, 'netns', this.namespace, ...pair]);
    await this.#inBridge('link', 'set', port, 'master', `br${network}`, 'up');
    await this.#ip('link', 'set', `eth${network}`, 'up');
    const address = addressOf(network, this.number);
    await this.#setAddress(network, address);
    if (network === 0) this.#address = address;
    if (this.#options.rate !== undefined) await this.shape(this.#options.rate, network);
    return address;
  }

  /** Takes the interface away, as when a USB adapter is pulled. */
  async removeInterface(network = 0): Promise<void> {
    await this.#ip('link', 'del', `eth${network}`);
  }

  /** Gives the interface another address of its network, by the last of its four numbers, and takes the old one. */
  async changeAddress(last: number, network = 0): Promise<string> {
    const address = addressOf(network, last);
    await this.#ip('addr', 'flush', 'dev', `eth${network}`);
    await this.#setAddress(network, address);
    if (network === 0) this.#address = address;
    return address;
  }

  /** Pulls the cable: nothing arrives any more, and nobody says goodbye. */
  cut(network = 0): Promise<string> {
    return this.#inBridge('link', 'set', this.#port(network), 'down');
  }

  /** Plugs the cable in again. */
  join(network = 0): Promise<string> {
    return this.#inBridge('link', 'set', this.#port(network), 'up');
  }

  /** Limits what this host sends and what it receives, each to the rate; null lifts the limit. */
  async shape(rate: string | null, network = 0): Promise<void> {
    const ends: ReadonlyArray<[string, string]> = [
      [this.namespace, `eth${network}`],
      [this.#bridge, this.#port(network)],
    ];
    for (const [namespace, device] of ends) {
      const qdisc = (verb: string): string[] => ['-n', namespace, 'qdisc', verb, 'dev', device, 'root'];
      // Fails when there is none yet, which is as good.
      await run('tc', qdisc('del'));
      if (rate === null) continue;
      // Packets of at most the burst, and a queue like that of an office switch.
      await must('ip', ['-n', namespace, 'link', 'set', 'dev', device, 'gso_max_size', '16384']);
      await must('tc', [...qdisc('add'), 'handle', '1:', 'tbf', 'rate', rate, 'burst', '64kb', 'latency', '50ms']);
    }
  }

  /**
   * Like the firewall of a PC: new TCP connections towards it (`in`) or from it (`out`) are dropped without a
   * word. Connections that are open, UDP, and the host's own loopback go on. Needs the packages FIREWALL.
   */
  async firewall(blocked: 'in' | 'out' | 'none'): Promise<void> {
    const [hook, device] = blocked === 'out' ? ['output', 'oifname'] : ['input', 'iifname'];
    const rule = `${device} != "lo" tcp flags & (syn | ack) == syn drop`;
    const chain = `chain blocked {\n type filter hook ${hook} priority 0\n ${rule}\n }\n`;
    const table = `table inet potluck {\n ${blocked === 'none' ? '' : chain}}\n`;
    await this.must('nft', ['-f', '-'], { input: `table inet potluck\ndelete table inet potluck\n${table}` });
  }

  async wire(network = 0): Promise<Wire> {
    const answer: unknown = JSON.parse(await this.#ip('-statistics', '-json', 'link', 'show', 'dev', `eth${network}`));
    const [link] = answer as [{ stats64: { rx: { bytes: number }; tx: { bytes: number } } }];
    return { received: link.stats64.rx.bytes, sent: link.stats64.tx.bytes };
  }

  async #openNetwork(network: number): Promise<void> {
    const name = `br${network}`;
    if ((await run('ip', ['-n', this.#bridge, 'link', 'show', name])).code === 0) return;
    const flat = ['stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0'];
    await this.#inBridge('link', 'add', name, 'type', 'bridge', ...flat);
    await this.#inBridge('link', 'set', name, 'up');
  }

  async #setAddress(network: number, address: string): Promise<void> {
    const device = `eth${network}`;
    const everybody = address.replace(/\d+$/, '255');
    await this.#ip('addr', 'add', `${address}/24`, 'broadcast', everybody, 'dev', device);
    if (network > 0) return;
    await this.#ip('route', 'replace', '224.0.0.0/4', 'dev', device);
    if (this.#options.defaultRoute === true) await this.#ip('route', 'replace', 'default', 'dev', device);
  }

  #ip(...args: readonly string[]): Promise<string> {
    return must('ip', ['-n', this.namespace, ...args]);
  }

  #inBridge(...args: readonly string[]): Promise<string> {
    return must('ip', ['-n', this.#bridge, ...args]);
  }

  #port(network: number): string {
    return `h${this.number}n${network}`;
  }
}

function addressOf(network: number, last: number): string {
  return `10.${77 + network}.0.${last}`;
}

/** Removes the labs of processes that are no more. */
async function removeLeftovers(): Promise<void> {
  await removeNamespaces((name) => {
    const [, pid, startTime] = NAME.exec(name) ?? [];
    return pid !== undefined && String(startTimeOf(Number(pid))) !== startTime;
  });
}

/** Removes namespaces and ends what runs in them: a namespace lives as long as a process in it. */
async function removeNamespaces(isOurs: (name: string) => boolean): Promise<void> {
  for (const name of namespaces().filter(isOurs)) {
    const { stdout } = await run('ip', ['netns', 'pids', name]);
    for (const pid of stdout.split('\n').filter((line) => line !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended between the list and now.
      }
    }
    const { code, stderr } = await run('ip', ['netns', 'del', name]);
    // Two runs may remove the same left-over; what counts is that it is gone.
    if (code !== 0 && namespaces().includes(name)) throw new Error(`the namespace ${name} stays: ${stderr.trim()}`);
    rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
  }
}

function namespaces(): string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.startsWith(PREFIX));
  } catch {
    // The folder is made with the first namespace of the machine.
    return [];
  }
}

/** In clock ticks since the machine started, or null when there is no such process: tells a reused id apart. */
function startTimeOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the program's name in brackets, may hold spaces and brackets itself.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return null;
  }
}
