/**
 * What has to be done so that the agent starts at log-in: a file, and commands of the system. Pure, so that
 * `--dry-run` shows exactly what would happen, and so that each system's plan is tested on every system.
 */
import { createHash } from 'node:crypto';
import { PotluckError } from '../../../protocol/errors.js';
import { systemdAssignment, systemdWord, windowsWord, xmlText } from './quoting.js';

/** A program and its arguments; never a line for a shell. */
export type Step = readonly [program: string, ...args: string[]];

export interface ServicePlan {
  readonly system: 'systemd' | 'launchd' | 'windows';
  /** How the system calls it. */
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly encoding: 'utf8' | 'utf16le';
  readonly install: readonly Step[];
  /** Those before the file is removed, and those after. */
  readonly uninstall: { readonly before: readonly Step[]; readonly after: readonly Step[] };
  /** Ends with code 0, and prints what `isRunning` matches, when the service runs. */
  readonly status: Step;
  readonly isRunning: RegExp;
}

export interface ServiceFacts {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  readonly userName: string;
  readonly uid: number;
  /** The Node that runs the agent, and the agent's main file. */
  readonly runtime: string;
  readonly agent: string;
  /** Home of the agent, and where a system without a log puts what the agent prints. */
  readonly home: string;
  readonly output: string;
}

/** Name of the template's file for each system. */
export const TEMPLATES: Readonly<Record<ServicePlan['system'], string>> = {
  systemd: 'systemd.service',
  launchd: 'launchd.plist',
  windows: 'windows-task.xml',
};

/** @throws PotluckError UNSUPPORTED on a system without a plan */
export function systemOf(platform: string): ServicePlan['system'] {
  if (platform === 'linux') return 'systemd';
  if (platform === 'darwin') return 'launchd';
  if (platform === 'win32') return 'windows';
  throw new PotluckError('UNSUPPORTED', `${platform} has no service manager that is known here`, {
    hint: 'start `potluck agent` as this system starts its programs',
  });
}

/** @param template  the text of the system's template */
export function planService(facts: ServiceFacts, template: string): ServicePlan {
  const plans = { systemd: systemdPlan, launchd: launchdPlan, windows: windowsPlan };
  return plans[systemOf(facts.platform)](facts, template);
}

function systemdPlan(facts: ServiceFacts, template: string): ServicePlan {
  const name = `potluck${suffixOf(facts)}.service`;
  const config = facts.env['XDG_CONFIG_HOME'];
  const folder = config?.startsWith('/') ? config : `${facts.userHome}/.config`;
  const told = environmentOf(facts);
  return {
    system: 'systemd',
    name,
    file: `${folder}/systemd/user/${name}`,
    text: fill(template, {
      PROGRAM: `${systemdWord(facts.runtime, true)} ${systemdWord(facts.agent)}`,
      ENVIRONMENT: told.map(([key, value]) => `Environment=${systemdAssignment(key, value)}`).join('\n'),
    }),
    encoding: 'utf8',
    install: [ctl('daemon-reload'), ctl('enable', '--now', name)],
    uninstall: { before: [ctl('disable', '--now', name)], after: [ctl('daemon-reload')] },
    status: ctl('is-active', name),
    isRunning: /^active$/m,
  };
}

function ctl(...args: readonly string[]): Step {
  return ['systemctl', '--user', ...args];
}

function launchdPlan(facts: ServiceFacts, template: string): ServicePlan {
  const label = `org.potluck.agent${suffixOf(facts)}`;
  const file = `${facts.userHome}/Library/LaunchAgents/${label}.plist`;
  const domain = `gui/${facts.uid}`;
  const words = [facts.runtime, facts.agent].map((word) => `    <string>${xmlText(word)}</string>`);
  const told = environmentOf(facts).map(
    ([key, value]) => `    <key>${key}</key>\n    <string>${xmlText(value)}</string>`,
  );
  return {
    system: 'launchd',
    name: label,
    file,
    text: fill(template, {
      LABEL: label,
      PROGRAM: words.join('\n'),
      ENVIRONMENT: told.join('\n'),
      OUTPUT: xmlText(facts.output),
    }),
    encoding: 'utf8',
    install: [['launchctl', 'bootstrap', domain, file]],
    uninstall: { before: [['launchctl', 'bootout', `${domain}/${label}`]], after: [] },
    status: ['launchctl', 'print', `${domain}/${label}`],
    isRunning: /state = running/,
  };
}

/** A console program started by a task opens a window; conhost keeps it without one. */
function windowsPlan(facts: ServiceFacts, template: string): ServicePlan {
  const name = `Potluck${suffixOf(facts)}`;
  const file = `${facts.home}\\service-task.xml`;
  const tasks = (...args: string[]): Step => ['schtasks', ...args, '/TN', name];
  return {
    system: 'windows',
    name,
    file,
    text: `\uFEFF${fill(template, {
      USER: xmlText(facts.userName),
      ARGUMENTS: xmlText(['--headless', windowsWord(facts.runtime), windowsWord(facts.agent)].join(' ')),
    })}`,
    encoding: 'utf16le',
    install: [[...tasks('/Create', '/F', '/XML', file)], tasks('/Run')],
    uninstall: { before: [tasks('/End'), tasks('/Delete', '/F')], after: [] },
    status: tasks('/Query', '/FO', 'LIST', '/V'),
    isRunning: /0x41301|267009/,
  };
}

/** A second home on one PC is a second service. */
function suffixOf({ env, home }: ServiceFacts): string {
  return env['POTLUCK_HOME'] ? `-${createHash('sha256').update(home).digest('hex').slice(0, 8)}` : '';
}

function environmentOf({ env, home }: ServiceFacts): [string, string][] {
  return env['POTLUCK_HOME'] ? [['POTLUCK_HOME', home]] : [];
}

/** A name of the template without a value, and a value without a name, are faults of ours. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  const missing = new Set(Object.keys(values));
  const text = template.replaceAll(/\{\{([A-Z]+)\}\}/g, (_whole, name: string) => {
    missing.delete(name);
    const value = values[name];
    if (value === undefined) throw new Error(`the template asks for ${name}`);
    return value;
  });
  if (missing.size > 0) throw new Error(`the template does not ask for ${[...missing].join()}`);
  return text;
}
