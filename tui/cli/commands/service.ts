/** `service …`: the agent at each log-in, by the means of this system. Works without a running agent. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import writeFileAtomic from 'write-file-atomic';
import { PotluckError } from '../../../protocol/errors.js';
import { connectAgent } from '../../client/connect.js';
import type { Command, Context } from '../context.js';
import { planService, type ServicePlan, type Step, systemOf, TEMPLATES } from '../service/plan.js';

type Action = 'install' | 'uninstall' | 'status';

const STEP_MAX_MS = 30_000;
/** How long an agent that runs by other means gets to end, so that the service can take its place. */
const GIVE_WAY_MAX_MS = 5000;
const ASK_AGAIN_MS = 100;

export function service(action: Action): Command {
  return async (context) => {
    const plan = planHere(context);
    if (action !== 'status') {
      if (context.args.has('dry-run')) return showPlan(context, plan, action);
      await (action === 'install' ? install(context, plan) : uninstall(plan));
    }
    const state = await stateOf(context, plan);
    await context.out.result({ action, ...state }, () => stateText(plan, state));
    return 0;
  };
}

function planHere({ paths, installation }: Context): ServicePlan {
  const template = readFileSync(templateFile(installation.main, TEMPLATES[systemOf(process.platform)]), 'utf8');
  const facts = {
    platform: process.platform,
    env: process.env,
    userHome: homedir(),
    userName: userInfo().username,
    uid: process.getuid?.() ?? -1,
    runtime: installation.runtime(),
    agent: installation.agent,
    home: paths.home,
    output: paths.startLog,
  };
  return planService(facts, template);
}

/** In install/service of the package that the program is part of. */
function templateFile(main: string, name: string): string {
  for (let folder = path.dirname(main); ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'install', 'service', name);
    if (existsSync(file)) return file;
    if (path.dirname(folder) === folder)
      throw new PotluckError('FAILED', `install/service/${name} is not in the package`);
  }
}

async function install(context: Context, plan: ServicePlan): Promise<void> {
  mkdirSync(context.paths.home, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(plan.file), { recursive: true });
  await writeFileAtomic(plan.file, plan.text, { encoding: plan.encoding });
  // What was installed before, perhaps of an older place, ends first.
  for (const step of plan.uninstall.before) await runStep(step, false);
  await giveWay(context);
  for (const step of plan.install) await runStep(step, true);
}

async function uninstall(plan: ServicePlan): Promise<void> {
  if (!existsSync(plan.file)) return;
  for (const step of plan.uninstall.before) await runStep(step, false);
  rmSync(plan.file, { force: true });
  for (const step of plan.uninstall.after) await runStep(step, false);
}

/** An agent that was started by hand holds the home; it is asked to end, as at a log-out. */
async function giveWay(context: Context): Promise<void> {
  const limit = AbortSignal.timeout(GIVE_WAY_MAX_MS);
  let asked = false;
  while (await answers(context)) {
    const pid = Number(
      /^\d{1,10}/.exec(existsSync(context.paths.pid) ? readFileSync(context.paths.pid, 'utf8') : '')?.[0],
    );
    if (!asked && pid > 1) process.kill(pid, 'SIGTERM');
    asked = true;
    if (limit.aborted)
      throw new PotluckError('AGENT_RUNNING', 'the agent that runs now does not end', { hint: 'end it' });
    await sleep(ASK_AGAIN_MS);
  }
}

async function answers({ paths, signal }: Context): Promise<boolean> {
  try {
    (await connectAgent(paths, signal)).destroy();
    return true;
  } catch (thrown) {
    if (thrown instanceof PotluckError && thrown.code === 'NO_AGENT') return false;
    throw thrown;
  }
}

interface State {
  readonly system: ServicePlan['system'];
  readonly name: string;
  readonly file: string;
  readonly installed: boolean;
  /** Does the system say that it runs? */
  readonly running: boolean;
  /** Does an agent answer, however it was started? */
  readonly agent: boolean;
}

async function stateOf(context: Context, plan: ServicePlan): Promise<State> {
  const installed = existsSync(plan.file);
  const said = installed ? await runStep(plan.status, false) : '';
  const { system, name, file } = plan;
  return { system, name, file, installed, running: plan.isRunning.test(said), agent: await answers(context) };
}

function stateText(plan: ServicePlan, { installed, running, agent }: State): string {
  if (running) return `${plan.name} is installed and runs; it starts at each log-in`;
  const other = agent ? '; an agent runs that was started by other means' : '';
  if (installed) return `${plan.name} is installed and does not run${other}`;
  return `${plan.name} is not installed${other || ': potluck service install'}`;
}

async function showPlan({ out }: Context, plan: ServicePlan, action: 'install' | 'uninstall'): Promise<number> {
  const { before, after } = plan.uninstall;
  const steps = action === 'install' ? plan.install : [...before, ...after];
  const value = {
    action,
    dryRun: true,
    system: plan.system,
    name: plan.name,
    file: plan.file,
    text: action === 'install' ? plan.text : null,
    steps,
  };
  const what = action === 'install' ? `would write ${plan.file}:\n\n${plan.text}` : `would remove ${plan.file}\n`;
  await out.result(value, () => [`${what}\nwould run:`, ...steps.map((step) => `  ${step.join(' ')}`)].join('\n'));
  return 0;
}

/**
 * @param must  whether its failure is one of the verb
 * @returns what it printed on stdout
 * @throws PotluckError FAILED with what it said
 */
function runStep([program, ...args]: Step, must: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: STEP_MAX_MS, windowsHide: true }, (thrown, stdout, stderr) => {
      if (thrown === null || !must) {
        resolve(stdout);
        return;
      }
      const said = stderr.trim().split('\n')[0] || thrown.message.split('\n')[0] || 'it failed';
      const step = [program, ...args].join(' ');
      reject(new PotluckError('FAILED', `${step}: ${said}`, { hint: 'potluck agent', cause: thrown }));
    });
  });
}
