/** What a command is given to work with. */
import type { AgentClient } from '../client/agent-client.js';
import type { LocalAnswer, LocalInput, LocalMethod } from '../../protocol/local/api.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import type { Arguments } from './arguments.js';
import type { Output } from './output.js';

/** What the terminal UI is given. */
export interface UiParts {
  readonly client: AgentClient;
  readonly paths: LocalPaths;
  /** Starts an agent in the background; resolves when it answers. */
  readonly startAgent: (signal: AbortSignal) => Promise<unknown>;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

/** The files of this installation that other programs are started from. */
export interface Installation {
  /** The file that `potluck` is. */
  readonly main: string;
  /** The agent's main file. */
  readonly agent: string;
  /** The Node that the agent shall run on: the one that npm brought, else this one. */
  runtime(): string;
  openUi(options: UiParts): Promise<void>;
}

export interface Context {
  readonly args: Arguments;
  readonly out: Output;
  readonly paths: LocalPaths;
  readonly installation: Installation;
  readonly agent: AgentClient;
  /** Aborted when the verb shall end. */
  readonly signal: AbortSignal;
  /** Asks the agent. @throws PotluckError */
  readonly call: <M extends LocalMethod>(method: M, input: LocalInput<M>) => Promise<LocalAnswer<M>>;
}

/** @returns the exit code, 0 when nothing is returned; what it throws becomes the error line and its code */
export type Command = (context: Context) => Promise<number | void>;
