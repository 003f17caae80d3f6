import type { PidRecord } from '@cm/pid-file/read';
import { type CallOptions, callWorker, findWorker, readToken } from '../client/index.js';
import type { DataDirectory } from '../contract/index.js';
import { CommandError, EXIT } from './terminal.js';

export interface Connection {
  readonly record: PidRecord;
  /** The body of the answer. @throws CommandError with the worker's own words. */
  call(options: CallOptions): Promise<unknown>;
}

/** How long a person's command waits for the worker's proof: on a machine that is busy, a second is not much. */
export const PATIENCE_MS = 5_000;

const HINTS: Readonly<Record<string, string>> = {
  SESSION_NOT_FOUND: 'see cm-worker sessions, or create it with exec --create',
  SESSION_ENDED: 'create it again with exec --create',
  PROCESS_NOT_FOUND: 'see cm-worker ps',
  UNAUTHORIZED: 'the token file is not the running worker’s: cm-worker restart',
  NO_TOKEN: 'it must be yours, mode 0600: cm-worker doctor',
};

/** The running worker of a data directory, proven by handshake. @throws CommandError 3 when there is none, 4 when it is elsewhere. */
export const connect = async (dataDirectory: DataDirectory): Promise<Connection> => {
  const found = await findWorker(dataDirectory, PATIENCE_MS);
  if (found.status === 'absent') {
    throw new CommandError(
      EXIT.notRunning,
      `no worker is running for ${dataDirectory.path} (${found.reason}): start it with cm-worker start`,
    );
  }
  if (found.status === 'elsewhere') throw new CommandError(EXIT.held, `${dataDirectory.path} is ${found.reason}`);
  if (found.status === 'unreachable') {
    throw new CommandError(EXIT.failed, `${found.reason}; end it with cm-worker stop --force`);
  }
  return connectionTo(found.record, dataDirectory);
};

/** Calls to a worker that a handshake has proven already. */
export const connectionTo = (record: PidRecord, dataDirectory: DataDirectory): Connection => {
  const token = readToken(dataDirectory);
  return {
    record,
    call: async (options) => {
      const answer = await callWorker(record, token, options);
      if (answer.ok) return answer.body;
      const { code, message } = answer.error;
      const hint = HINTS[code];
      throw new CommandError(EXIT.failed, hint === undefined ? message : `${message}: ${hint}`);
    },
  };
};
