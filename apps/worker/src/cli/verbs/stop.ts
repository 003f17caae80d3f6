import type { PidRecord } from '@cm/pid-file/read';
import { createProcessTable, type ProcessTable, systemClock } from '@cm/process-table';
import { callWorker, findWorker, readToken, type WorkerSighting } from '../../client/index.js';
import { type DataDirectory, ROUTES } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { PATIENCE_MS } from '../connect.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

export interface StopOptions extends CommonOptions {
  readonly force?: boolean;
}

/** The children's budget, the API's, and time to spare. */
const STOP_MS = 30_000;
const STILL_THERE_MS = 2_000;
/** Who asks for force knows already that it hangs. */
const FORCED_PATIENCE_MS = 2_000;
const KILL_WAIT_MS = 5_000;

/** Waits until the process of a record is gone, and every thread of it: only then its port and its claim are free. */
const untilGone = async (
  record: PidRecord,
  deadlineMs: number,
  table: Pick<ProcessTable, 'lookup'>,
  onWait: () => void = () => {},
): Promise<boolean> => {
  const endsAt = performance.now() + deadlineMs;
  let toldAt = performance.now();
  for (let pauseMs = 1; (await table.lookup(record)).status !== 'dead'; pauseMs = Math.min(pauseMs * 2, 25)) {
    if (performance.now() > endsAt) return false;
    if (performance.now() - toldAt > STILL_THERE_MS) {
      toldAt = performance.now();
      onWait();
    }
    await systemClock.sleep(pauseMs);
  }
  return true;
};

/** Asks by a signal: only if it is still the very process of the PID file. */
const askBySignal = async (record: PidRecord, table: Pick<ProcessTable, 'signal'>): Promise<void> => {
  const sent = await table.signal(record, 'SIGTERM');
  if (sent.outcome === 'unknown' || sent.outcome === 'refused') {
    throw new CommandError(EXIT.failed, `pid ${record.pid} may not be signalled: ${sent.reason ?? sent.outcome}`);
  }
};

/** Ends a worker that does not answer. */
const endSilent = async (
  { record, reason }: Extract<WorkerSighting, { status: 'unreachable' }>,
  force: boolean,
  table: Pick<ProcessTable, 'lookup' | 'signal'>,
): Promise<void> => {
  if (!force) {
    // One that is stopping closes its API before it leaves.
    if (await untilGone(record, STILL_THERE_MS, table)) return;
    throw new CommandError(EXIT.failed, `${reason}; end it with cm-worker stop --force`);
  }
  await askBySignal(record, table);
  if (await untilGone(record, STILL_THERE_MS, table)) return;
  await table.signal(record, 'SIGKILL');
  if (!(await untilGone(record, KILL_WAIT_MS, table))) {
    throw new CommandError(EXIT.failed, `pid ${record.pid} is still there after SIGKILL`);
  }
};

/** What the API answers when the token file is lost, or is not this worker's. */
const WITHOUT_TOKEN: readonly string[] = ['NO_TOKEN', 'UNAUTHORIZED'];
/** From the first signal to the one that forces. */
const BETWEEN_SIGNALS_MS = 200;

/** Asks a worker that answers to stop: by the API, or, where the token is lost, by the signals that mean the same. */
const ask = async (
  record: PidRecord,
  dataDirectory: DataDirectory,
  route: typeof ROUTES.shutdown,
  force: boolean,
  table: Pick<ProcessTable, 'signal'>,
): Promise<void> => {
  const answer = await callWorker(record, readToken(dataDirectory), {
    route,
    ...(route === ROUTES.shutdown ? { body: { force, reason: 'cm-worker stop' } } : {}),
  });
  if (answer.ok) return;
  if (WITHOUT_TOKEN.includes(answer.error.code)) {
    await askBySignal(record, table);
    if (!force) return;
    await systemClock.sleep(BETWEEN_SIGNALS_MS);
    return askBySignal(record, table);
  }
  // A worker that is stopping already may have closed its API between the two calls.
  if (answer.code !== 0) throw new CommandError(EXIT.failed, answer.error.message);
};

/** Stops the worker and waits until it is gone. Returns its record, or undefined when none was running. */
export const stopWorker = async (
  dataDirectory: DataDirectory,
  route: typeof ROUTES.shutdown,
  force: boolean,
  terminal: Terminal,
): Promise<PidRecord | undefined> => {
  const found = await findWorker(dataDirectory, force ? FORCED_PATIENCE_MS : PATIENCE_MS);
  if (found.status === 'absent') return undefined;
  if (found.status === 'elsewhere') throw new CommandError(EXIT.held, `${dataDirectory.path} is ${found.reason}`);
  const { record } = found;
  const table = createProcessTable();
  if (found.status === 'unreachable') {
    await endSilent(found, force, table);
    return record;
  }
  await ask(record, dataDirectory, route, force, table);
  const gone = await untilGone(record, STOP_MS, table, () => terminal.progress(`still stopping (pid ${record.pid}) …`));
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
