/** Each state of a thing as a sign, a word and a tone: nothing is told by colour alone. */
import type { JobRow, NoticeRow, PeerRow, PrinterRow, TransferRow } from '../../protocol/local/model.js';
import type { Level } from '../store/state.js';
import type { Tone } from './theme.js';

export interface Sign {
  readonly sign: string;
  readonly word: string;
  readonly tone: Tone;
}

const sign = (glyph: string, word: string, tone: Tone): Sign => ({ sign: glyph, word, tone });

export const PEER_SIGNS: Readonly<Record<PeerRow['state'], Sign>> = {
  online: sign('●', 'online', 'good'),
  connecting: sign('◐', 'connecting', 'accent'),
  offline: sign('○', 'offline', 'faint'),
  blocked: sign('!', 'blocked', 'bad'),
};

export const TRANSFER_SIGNS: Readonly<Record<TransferRow['state'], Sign>> = {
  queued: sign('○', 'queued', 'faint'),
  hashing: sign('◐', 'hashing', 'accent'),
  active: sign('●', 'active', 'accent'),
  waiting: sign('○', 'waiting', 'warn'),
  paused: sign('–', 'paused', 'warn'),
  done: sign('✓', 'done', 'good'),
  failed: sign('✗', 'failed', 'bad'),
  cancelled: sign('✗', 'cancelled', 'faint'),
};

export const PRINTER_SIGNS: Readonly<Record<PrinterRow['state'], Sign>> = {
  idle: sign('●', 'ready', 'good'),
  printing: sign('◐', 'printing', 'accent'),
  stopped: sign('!', 'stopped', 'bad'),
  offline: sign('○', 'offline', 'faint'),
};

export const JOB_SIGNS: Readonly<Record<JobRow['state'], Sign>> = {
  waiting: sign('○', 'waiting', 'warn'),
  sending: sign('↑', 'sending', 'accent'),
  queued: sign('○', 'queued', 'accent'),
  held: sign('–', 'held', 'warn'),
  printing: sign('◐', 'printing', 'accent'),
  blocked: sign('!', 'blocked', 'bad'),
  completed: sign('✓', 'printed', 'good'),
  canceled: sign('✗', 'cancelled', 'faint'),
  aborted: sign('✗', 'failed', 'bad'),
  uncertain: sign('!', 'uncertain', 'warn'),
};

export const NOTICE_SIGNS: Readonly<Record<NoticeRow['level'], Sign>> = {
  info: sign(' ', '', 'plain'),
  warn: sign('!', 'warning', 'warn'),
  error: sign('✗', 'error', 'bad'),
};

export const TOAST_SIGNS: Readonly<Record<Level, Sign>> = {
  info: sign('·', '', 'plain'),
  good: sign('✓', '', 'good'),
  warn: sign('!', '', 'warn'),
  error: sign('✗', '', 'bad'),
};
