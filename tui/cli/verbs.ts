/**
 * Every verb, as data: what is typed, what it takes and what the help says. The parser, the help and the
 * completions are read from here; commands.ts has what each does.
 */
import type { Syntax } from './arguments.js';

export type Section = 'Life cycle' | 'Workgroup' | 'Peers' | 'Files' | 'Printers' | 'Help';

export interface Verb extends Syntax {
  readonly section: Section;
  /** What it does, in one line. */
  readonly help: string;
  readonly examples?: readonly string[];
}

const PLACE = 'PEER/SHARE/PATH';
const only = { name: 'only', value: 'PEER', many: true, help: 'only this coworker may see it (may be repeated)' };
const except = { name: 'except', value: 'PEER', many: true, help: 'everybody but this coworker (may be repeated)' };
const progress = [
  { name: 'progress', help: 'show progress also where stderr is no terminal' },
  { name: 'no-progress', help: 'show no progress' },
];
const watch = { name: 'watch', help: 'go on and show each change' };
const dryRun = { name: 'dry-run', help: 'show what would be done, and do nothing' };

export const VERBS: readonly Verb[] = [
  {
    words: ['agent'],
    section: 'Life cycle',
    args: [],
    options: [
      { name: 'name', value: 'NAME', help: 'how this PC is called among coworkers' },
      { name: 'port', value: 'PORT', help: 'listen on this port; 0 for any free one' },
      { name: 'listen', value: 'ADDRESS', help: 'listen on this address only' },
      { name: 'no-discovery', help: 'announce nothing and look for nobody' },
      { name: 'peer', value: 'HOST[:PORT]', many: true, help: 'dial this coworker (may be repeated)' },
      { name: 'loopback', help: 'stay on this PC: announce and dial on 127.0.0.1 only' },
      { name: 'allow-root', help: 'run although this is the administrator' },
    ],
    help: 'run the agent in the foreground until it is told to end',
    examples: ['potluck agent --no-discovery --peer 192.168.1.20'],
  },
  {
    words: ['status'],
    section: 'Life cycle',
    args: [],
    options: [],
    help: 'this PC: id, workgroup, addresses, counts',
  },
  {
    words: ['name'],
    section: 'Life cycle',
    args: [{ name: 'NEWNAME' }],
    options: [],
    help: 'call this PC something else',
  },
  {
    words: ['log'],
    section: 'Life cycle',
    args: [],
    options: [
      { name: 'lines', value: 'N', help: 'so many of the newest lines (100)' },
      { name: 'follow', help: 'go on with what is written from now on' },
    ],
    help: 'what the agent has written down',
  },
  ...(['install', 'uninstall', 'status'] as const).map((action): Verb => ({
    words: ['service', action],
    section: 'Life cycle',
    args: [],
    options: action === 'status' ? [] : [dryRun],
    help: {
      install: 'start the agent now and at each log-in',
      uninstall: 'no longer start it at log-in, and end it',
      status: 'is it installed, does it run?',
    }[action],
  })),
  {
    words: ['workgroup', 'create'],
    section: 'Workgroup',
    args: [{ name: 'NAME' }],
    options: [],
    help: 'found a workgroup with this PC as its first member',
    examples: ['potluck workgroup create "Rua Nova 12"'],
  },
  {
    words: ['workgroup', 'invite'],
    section: 'Workgroup',
    args: [],
    options: [{ name: 'expires', value: 'DURATION', help: 'how long the code is good (1h)' }],
    help: 'a code that lets one PC in, once',
    examples: ['potluck workgroup invite --expires 10m'],
  },
  {
    words: ['workgroup', 'join'],
    section: 'Workgroup',
    args: [{ name: 'CODE' }],
    options: [{ name: 'peer', value: 'HOST[:PORT]', help: 'a member, where multicast does not reach one' }],
    help: 'become a member by the code of an invitation',
  },
  {
    words: ['workgroup', 'members'],
    section: 'Workgroup',
    args: [],
    options: [],
    help: 'who belongs, and who let whom in',
  },
  {
    words: ['workgroup', 'remove'],
    section: 'Workgroup',
    args: [{ name: 'PEER' }],
    options: [
      { name: 'keep', value: 'PEER', many: true, help: 'of those it let in, only these stay (may be repeated)' },
      { name: 'keep-none', help: 'nobody that it let in stays' },
    ],
    help: 'put a PC out, on every member and for good; those it let in stay',
  },
  {
    words: ['workgroup', 'leave'],
    section: 'Workgroup',
    args: [],
    options: [],
    help: 'this PC leaves',
  },
  {
    words: ['peers'],
    section: 'Peers',
    args: [],
    options: [watch],
    help: 'coworkers, their state and what they offer',
  },
  {
    words: ['connect'],
    section: 'Peers',
    args: [{ name: 'HOST[:PORT]' }],
    options: [],
    help: 'reach a coworker where multicast does not',
  },
  {
    words: ['block'],
    section: 'Peers',
    args: [{ name: 'PEER' }],
    options: [],
    help: 'have nothing to do with this PC',
  },
  {
    words: ['unblock'],
    section: 'Peers',
    args: [{ name: 'PEER' }],
    options: [],
    help: 'have to do with it again',
  },
  {
    words: ['share', 'add'],
    section: 'Files',
    args: [{ name: 'FOLDER' }],
    options: [{ name: 'name', value: 'NAME', help: 'how coworkers see it (the name of the folder)' }, only, except],
    help: 'offer a folder of this PC',
    examples: ['potluck share add ~/Projects --except front-desk'],
  },
  {
    words: ['share', 'list'],
    section: 'Files',
    args: [],
    options: [],
    help: 'what this PC offers, and to whom',
  },
  {
    words: ['share', 'set'],
    section: 'Files',
    args: [{ name: 'NAME' }],
    options: [
      { name: 'rename', value: 'NAME', help: 'call it something else' },
      only,
      except,
      { name: 'everybody', help: 'every coworker may see it' },
    ],
    help: 'change who may see it, or its name',
  },
  {
    words: ['share', 'remove'],
    section: 'Files',
    args: [{ name: 'NAME' }],
    options: [],
    help: 'offer it no longer; the folder itself stays as it is',
  },
  {
    words: ['ls'],
    section: 'Files',
    args: [{ name: 'PEER[/SHARE[/PATH]]', optional: true }],
    options: [],
    help: 'look around: coworkers, their shares, folders',
    examples: ['potluck ls bruno-pc/Projects/2026'],
  },
  {
    words: ['get'],
    section: 'Files',
    args: [{ name: PLACE, many: true }],
    options: [
      { name: 'to', value: 'FOLDER', help: 'where to (the downloads folder)' },
      { name: 'on-conflict', value: 'WAY', help: 'where a file is there already: rename (default), skip, replace' },
      { name: 'wait', value: 'DURATION', help: 'how long to wait for a source that is away (for ever)' },
      ...progress,
    ],
    help: 'download files or whole folders; goes on where it stopped',
    examples: ['potluck get "bruno-pc/Projects/plan v7.dwg" --to .'],
  },
  {
    words: ['transfers'],
    section: 'Files',
    args: [],
    options: [watch],
    help: 'downloads and uploads, and why one waits',
  },
  ...(['pause', 'resume', 'cancel'] as const).map((action): Verb => ({
    words: [action],
    section: 'Files',
    args: [{ name: 'ID', many: true }],
    options: [],
    help: {
      pause: 'stop a transfer for now',
      resume: 'let it go on',
      cancel: 'end it, and delete what is there of it',
    }[action],
  })),
  {
    words: ['printers'],
    section: 'Printers',
    args: [],
    options: [],
    help: 'every printer of this PC and of coworkers, with its state',
  },
  {
    words: ['printer', 'share'],
    section: 'Printers',
    args: [{ name: 'NAME' }],
    options: [only],
    help: 'let coworkers print on a printer of this PC',
  },
  {
    words: ['printer', 'unshare'],
    section: 'Printers',
    args: [{ name: 'NAME' }],
    options: [],
    help: 'no longer',
  },
  {
    words: ['printer', 'add'],
    section: 'Printers',
    args: [{ name: 'URI' }],
    options: [{ name: 'name', value: 'NAME', help: 'how it is called' }],
    help: 'a network printer (ipp://HOST/ipp/print) or a tray (tray:FOLDER)',
    examples: ['potluck printer add tray:/home/ana/Prints --name "PDF tray"'],
  },
  {
    words: ['printer', 'remove'],
    section: 'Printers',
    args: [{ name: 'NAME' }],
    options: [],
    help: 'forget one that was added',
  },
  {
    words: ['print'],
    section: 'Printers',
    args: [{ name: 'FILE', many: true }],
    options: [
      { name: 'printer', value: 'PEER/PRINTER', help: 'which one; may be left out where there is only one' },
      { name: 'copies', value: 'N', help: 'how many' },
      { name: 'pages', value: 'PAGES', help: 'only these: 2, 1-3 or 1-3,7' },
      { name: 'duplex', value: 'HOW', help: 'both sides: long, short (the edge that is bound) or off' },
      { name: 'color', help: 'in colour' },
      { name: 'mono', help: 'in black' },
      { name: 'media', value: 'PAPER', help: 'the paper, like A4' },
      { name: 'title', value: 'TEXT', help: 'what the owner sees (the name of the file)' },
      { name: 'wait', value: 'DURATION', valueOptional: true, help: 'until it is printed, or at most so long' },
      ...progress,
    ],
    help: 'print PDF, JPEG, PNG or text',
    examples: ['potluck print plan.pdf --printer bruno-pc/HP --duplex long --wait'],
  },
  {
    words: ['jobs'],
    section: 'Printers',
    args: [],
    options: [{ name: 'all', help: 'also those that have ended' }],
    help: 'what prints, what waits and why',
  },
  {
    words: ['job', 'cancel'],
    section: 'Printers',
    args: [{ name: 'ID', many: true }],
    options: [],
    help: 'do not print it',
  },
  {
    words: ['completions'],
    section: 'Help',
    args: [{ name: 'SHELL' }],
    options: [],
    help: 'what bash, zsh or fish needs to complete verbs',
    examples: ['potluck completions bash >~/.local/share/bash-completion/completions/potluck'],
  },
  {
    words: ['version'],
    section: 'Help',
    args: [],
    options: [],
    help: 'version of this program',
  },
  {
    words: ['help'],
    section: 'Help',
    args: [{ name: 'VERB', optional: true, many: true }],
    options: [],
    help: 'every verb, or how one is used',
  },
];
