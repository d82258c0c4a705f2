/**
 * The limits of protocol/limits.ts that this floor enforces, as one value that is handed down.
 *
 * An agent always runs with NET_LIMITS. A test hands down shorter times, so that a deadline of forty
 * seconds is seen to work in a fraction of one; another test keeps NET_LIMITS equal to limits.ts.
 */
import {
  DIAL_BACK_MAX_MS,
  DIAL_TCP_MAX_MS,
  JOIN_INTERVAL_MS,
  JOIN_MAX_MS,
  JOIN_STEP_MAX_MS,
  MESSAGES_BURST_MAX_COUNT,
  MESSAGES_PER_SECOND_MAX_COUNT,
  PING_INTERVAL_MS,
  PREFACE_MAX_MS,
  PROBATION_INTERVAL_MS,
  PROBATION_MAX_MS,
  REQUEST_ANSWER_MAX_MS,
  REQUEST_IDLE_MAX_MS,
  REQUEST_PROGRESS_INTERVAL_MS,
  SEND_QUEUE_MAX_BYTES,
  SEND_QUEUE_PAUSE_BYTES,
  SILENCE_MAX_MS,
  STREAM_IDLE_MAX_MS,
  TLS_HANDSHAKE_MAX_MS,
  UPGRADE_MAX_MS,
} from '../../protocol/limits.js';

export const NET_LIMITS = {
  dialTcpMs: DIAL_TCP_MAX_MS,
  tlsMs: TLS_HANDSHAKE_MAX_MS,
  prefaceMs: PREFACE_MAX_MS,
  upgradeMs: UPGRADE_MAX_MS,
  probationMs: PROBATION_MAX_MS,
  probationIntervalMs: PROBATION_INTERVAL_MS,
  pingMs: PING_INTERVAL_MS,
  silenceMs: SILENCE_MAX_MS,
  answerMs: REQUEST_ANSWER_MAX_MS,
  answerIdleMs: REQUEST_IDLE_MAX_MS,
  progressMs: REQUEST_PROGRESS_INTERVAL_MS,
  dialBackMs: DIAL_BACK_MAX_MS,
  streamIdleMs: STREAM_IDLE_MAX_MS,
  joinStepMs: JOIN_STEP_MAX_MS,
  joinMs: JOIN_MAX_MS,
  joinIntervalMs: JOIN_INTERVAL_MS,
  messagesPerSecond: MESSAGES_PER_SECOND_MAX_COUNT,
  messagesBurst: MESSAGES_BURST_MAX_COUNT,
  sendPauseBytes: SEND_QUEUE_PAUSE_BYTES,
  sendMaxBytes: SEND_QUEUE_MAX_BYTES,
} as const;

export type NetLimits = { readonly [K in keyof typeof NET_LIMITS]: number };
