import { type PidRecord, peek } from '@cm/pid-file/read';
import { createProcessTable, type ProcessIdentity, type ProcessTable, systemClock } from '@cm/process-table';
import { callWorker, findWorker, readToken, type WorkerSighting } from '../../client/index.js';
import { type DataDirectory, ROUTES } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

export interface StopOptions extends CommonOptions {
  readonly force?: boolean;
}

/** The children's budget, the API's, and time to spare. */
const STOP_MS = 30_000;
const STILL_THERE_MS = 2_000;
const KILL_WAIT_MS = 5_000;

const identityOf = ({ pid, startToken, bootId, machineId, pidNs }: PidRecord): ProcessIdentity => ({
  pid,
  startToken,
  bootId,
  machineId,
  pidNs,
});

/** Waits until the process of a record is gone. */
const untilGone = async (record: PidRecord, deadlineMs: number, onWait: () => void = () => {}): Promise<boolean> => {
  const endsAt = performance.now() + deadlineMs;
  let toldAt = performance.now();
  for (let pauseMs = 1; peek(record) !== 'dead'; pauseMs = Math.min(pauseMs * 2, 25)) {
    if (performance.now() > endsAt) return false;
    if (performance.now() - toldAt > STILL_THERE_MS) {
      toldAt = performance.now();
      onWait();
    }
    await systemClock.sleep(pauseMs);
  }
  return true;
};

/** Ends a worker that does not answer: only if it is still the very process of the PID file. */
const endSilent = async (
  { record, reason }: Extract<WorkerSighting, { status: 'unreachable' }>,
  force: boolean,
  table: Pick<ProcessTable, 'signal'>,
): Promise<void> => {
  if (!force) throw new CommandError(EXIT.failed, `${reason}; end it with cm-worker stop --force`);
  const identity = identityOf(record);
  const sent = await table.signal(identity, 'SIGTERM');
  if (sent.outcome === 'unknown' || sent.outcome === 'refused') {
    throw new CommandError(EXIT.failed, `pid ${record.pid} may not be signalled: ${sent.reason ?? sent.outcome}`);
  }
  if (await untilGone(record, STILL_THERE_MS)) return;
  await table.signal(identity, 'SIGKILL');
  if (!(await untilGone(record, KILL_WAIT_MS))) {
    throw new CommandError(EXIT.failed, `pid ${record.pid} is still there after SIGKILL`);
  }
};

/** Stops the worker and waits until it is gone. Returns its record, or undefined when none was running. */
export const stopWorker = async (
  dataDirectory: DataDirectory,
  route: typeof ROUTES.shutdown,
  force: boolean,
  terminal: Terminal,
): Promise<PidRecord | undefined> => {
  const found = await findWorker(dataDirectory);
  if (found.status === 'absent') return undefined;
  if (found.status === 'elsewhere') throw new CommandError(EXIT.held, `${dataDirectory.path} is ${found.reason}`);
  const { record } = found;
  if (found.status === 'unreachable') {
    await endSilent(found, force, createProcessTable());
    return record;
  }
  const answer = await callWorker(record, readToken(dataDirectory), {
    route,
    ...(route === ROUTES.shutdown ? { body: { force, reason: 'cm-worker stop' } } : {}),
  });
  // A worker that is stopping already may have closed its API between the two calls.
  if (!answer.ok && answer.code !== 0) throw new CommandError(EXIT.failed, answer.error.message);
  const gone = await untilGone(record, STOP_MS, () => terminal.progress(`still stopping (pid ${record.pid}) …`));
  if (!gone) {
    throw new CommandError(EXIT.failed, `the worker (pid ${record.pid}) is still stopping: try cm-worker stop --force`);
  }
  return record;
};

export const stop = async (options: StopOptions, terminal: Terminal): Promise<number> => {
  const stopped = await stopWorker(
    dataDirectoryOf(options, terminal),
    ROUTES.shutdown,
    options.force === true,
    terminal,
  );
  if (options.json === true) {
    terminal.print(
      JSON.stringify(
        stopped === undefined ? { status: 'not running' } : { status: 'stopping', stopped: true, pid: stopped.pid },
      ),
    );
  } else terminal.print(stopped === undefined ? 'not running' : `stopped (pid ${stopped.pid})`);
  return EXIT.done;
};
