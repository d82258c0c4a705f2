/**
 * What each verb does. A command is loaded when it is run and not before, so that no verb waits for the modules
 * of another.
 */
import type { Command } from './context.js';

type Load = () => Promise<Command>;

const COMMANDS: Readonly<Record<string, Load>> = {
  status: async () => (await import('./commands/self.js')).status,
  name: async () => (await import('./commands/self.js')).rename,
  log: async () => (await import('./commands/log.js')).log,
  'service install': async () => (await import('./commands/service.js')).service('install'),
  'service uninstall': async () => (await import('./commands/service.js')).service('uninstall'),
  'service status': async () => (await import('./commands/service.js')).service('status'),
  'workgroup create': async () => (await import('./commands/workgroup.js')).create,
  'workgroup invite': async () => (await import('./commands/workgroup.js')).invite,
  'workgroup join': async () => (await import('./commands/workgroup.js')).join,
  'workgroup members': async () => (await import('./commands/workgroup.js')).members,
  'workgroup remove': async () => (await import('./commands/workgroup.js')).remove,
  'workgroup leave': async () => (await import('./commands/workgroup.js')).leave,
  peers: async () => (await import('./commands/peers.js')).peers,
  connect: async () => (await import('./commands/peers.js')).connect,
  block: async () => (await import('./commands/peers.js')).block,
  unblock: async () => (await import('./commands/peers.js')).unblock,
  'share add': async () => (await import('./commands/share.js')).add,
  'share list': async () => (await import('./commands/share.js')).list,
  'share set': async () => (await import('./commands/share.js')).set,
  'share remove': async () => (await import('./commands/share.js')).remove,
  ls: async () => (await import('./commands/ls.js')).ls,
  get: async () => (await import('./commands/get.js')).get,
  transfers: async () => (await import('./commands/transfers.js')).transfers,
  pause: async () => (await import('./commands/transfers.js')).change('pause'),
  resume: async () => (await import('./commands/transfers.js')).change('resume'),
  cancel: async () => (await import('./commands/transfers.js')).change('cancel'),
  printers: async () => (await import('./commands/printers.js')).printers,
  'printer share': async () => (await import('./commands/printers.js')).share,
  'printer unshare': async () => (await import('./commands/printers.js')).unshare,
  'printer add': async () => (await import('./commands/printers.js')).add,
  'printer remove': async () => (await import('./commands/printers.js')).remove,
  print: async () => (await import('./commands/print.js')).print,
  jobs: async () => (await import('./commands/jobs.js')).jobs,
  'job cancel': async () => (await import('./commands/jobs.js')).cancel,
  completions: async () => (await import('./commands/help.js')).completions,
  version: async () => (await import('./commands/help.js')).version,
  help: async () => (await import('./commands/help.js')).help,
};

/** @returns null for `agent`, which is a program of its own */
export function commandOf(words: readonly string[]): Load | null {
  return COMMANDS[words.join(' ')] ?? null;
}
