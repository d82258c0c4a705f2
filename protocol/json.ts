/**
 * JSON from a peer, read within bounds: its length, depth and number of tokens are counted before
 * JSON.parse sees it (a megabyte of brackets costs a tenth of a second to parse), and keys that reach
 * an object's prototype are refused. SPEC.md, "Messages".
 */
import { JSON_DEPTH_MAX_COUNT, JSON_TOKENS_MAX_COUNT } from './limits.js';
import { PotluckError } from './errors.js';

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * @param text  already bounded in length by the transport
 * @throws PotluckError BAD_MESSAGE: not JSON, too deep, too many tokens, or a forbidden key
 */
export function parseBoundedJson(text: string): unknown {
  if (!fitsBounds(text)) throw new PotluckError('BAD_MESSAGE', 'a message is nested too deep or has too many parts');
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (FORBIDDEN_KEYS.has(key)) throw new PotluckError('BAD_MESSAGE', 'a message has a forbidden key');
      return value;
    });
  } catch (thrown) {
    if (thrown instanceof PotluckError) throw thrown;
    throw new PotluckError('BAD_MESSAGE', 'a message is not JSON', { cause: thrown });
  }
}

/** One pass over the characters, aware of strings only: enough to bound what the parser will build. */
function fitsBounds(text: string): boolean {
  let depth = 0;
  let tokens = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
      continue;
    }
    switch (code) {
      case 0x22: // "
        inString = true;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        tokens += 1;
        if (depth > JSON_DEPTH_MAX_COUNT) return false;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        tokens += 1;
        break;
      default:
        break;
    }
    if (tokens > JSON_TOKENS_MAX_COUNT) return false;
  }
  return true;
}
