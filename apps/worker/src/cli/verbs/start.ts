import { type EnsuredWorker, ensureWorker } from '../../client/index.js';
import { type DataDirectory, ROUTES, workerUrl } from '../../contract/index.js';
import { dataDirectoryOf, prepareDataDirectory } from '../common-options.js';
import { connectionTo } from '../connect.js';
import { settingsFor, type WorkerFlags } from '../settings-for.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

/** From the spawn of the daemon until it is ready. */
const START_MS = 15_000;

export type ReadyWorker = Extract<EnsuredWorker, { status: 'ready' }>;

/** Finds or starts the worker. @throws CommandError with the reason when there is none in the end. */
export const startWorker = async (
  options: WorkerFlags,
  wanted: DataDirectory,
  terminal: Terminal,
): Promise<ReadyWorker> => {
  const dataDirectory = prepareDataDirectory(wanted);
  // Settings that cannot be used are told here and now, rather than by a daemon that nobody hears.
  settingsFor(options, dataDirectory, terminal);
  const result = await ensureWorker({
    dataDirectory,
    artifact: { entry: terminal.entry },
    env: terminal.env,
    execPath: terminal.execPath,
    deadlineMs: START_MS,
    port: options.port,
    containment: options.containment,
    onSpawn: (pid) => terminal.progress(`starting the worker (pid ${pid ?? 'none'}) …`),
  });
  switch (result.status) {
    case 'ready':
      return result;
    case 'warming':
      throw new CommandError(EXIT.failed, `${result.reason}: see ${dataDirectory.bootLog} and cm-worker doctor`);
    case 'unreachable':
      throw new CommandError(EXIT.failed, `${result.reason}; end it with cm-worker stop --force`);
    case 'refused':
      throw new CommandError(
        result.held ? EXIT.held : EXIT.failed,
        // The daemon's own last line already says what to do.
        result.reason.replace(/^cm-worker: /, ''),
      );
  }
};

/** Prints what the health route says of a worker, and where it is. */
export const reportReady = async (
  { record, started }: ReadyWorker,
  dataDirectory: DataDirectory,
  json: boolean,
  terminal: Terminal,
): Promise<void> => {
  const health = await connectionTo(record, dataDirectory).call({ route: ROUTES.health });
  if (json)
    terminal.print(JSON.stringify({ ...Object(health), port: record.port, dataDir: dataDirectory.path, started }));
  else {
    const what = started ? 'started' : 'already running';
    terminal.print(`${what} on ${workerUrl(record.port)} (pid ${record.pid}, data in ${dataDirectory.path})`);
  }
};

export const start = async (options: WorkerFlags, terminal: Terminal): Promise<number> => {
  const dataDirectory = dataDirectoryOf(options, terminal);
  const ready = await startWorker(options, dataDirectory, terminal);
  await reportReady(ready, dataDirectory, options.json === true, terminal);
  return EXIT.done;
};
