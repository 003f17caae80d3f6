import { closeInherited } from '../../close-inherited.js';
import { workerUrl } from '../../contract/index.js';
import { createWorker, WorkerStartError } from '../../create-worker.js';
import { openWorkerLog } from '../../worker-log.js';
import { dataDirectoryOf, prepareDataDirectory } from '../common-options.js';
import { describePortHolder } from '../describe-port-holder.js';
import { settingsFor, type WorkerFlags } from '../settings-for.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

export interface RunOptions extends WorkerFlags {
  /** Spawned detached: nobody's terminal, and SIGHUP means nothing. */
  readonly daemon?: boolean;
}

const EXIT_OF: Readonly<Record<WorkerStartError['failure'], number>> = {
  held: EXIT.held,
  unusable: EXIT.failed,
  'port-taken': EXIT.failed,
};

const explain = async (error: WorkerStartError, port: number): Promise<string> =>
  error.failure === 'port-taken'
    ? `${error.message} (${await describePortHolder(port)}): choose another with --port`
    : error.message;

/** The daemon itself, in the foreground, until a signal or the API stops it. */
export const run = async (options: RunOptions, terminal: Terminal): Promise<number> => {
  const { daemon = false, json = false } = options;
  if (daemon) closeInherited();
  const dataDirectory = prepareDataDirectory(dataDirectoryOf(options, terminal));
  const settings = settingsFor(options, dataDirectory, terminal);
  const opened = openWorkerLog(dataDirectory.logs, settings.logLevel);
  const worker = createWorker({
    dataDirectory,
    settings,
    version: terminal.version,
    env: terminal.env,
    log: opened.log,
    recoverWith: { execPath: terminal.execPath, entry: terminal.entry },
  });
  let asked = 0;
  using _signals = terminal.onSignals(['SIGTERM', 'SIGINT', 'SIGHUP'], (signal) => {
    if (signal === 'SIGHUP' && daemon) return;
    asked += 1;
    if (asked === 1) terminal.progress('stopping; once more kills at once');
    void worker.stop({ reason: signal, force: asked > 1 });
  });
  try {
    const { port: bound } = await worker.start();
    if (json)
      terminal.print(JSON.stringify({ status: 'ready', port: bound, pid: terminal.pid, dataDir: dataDirectory.path }));
    else terminal.print(`ready on ${workerUrl(bound)} (pid ${terminal.pid}, data in ${dataDirectory.path})`);
  } catch (error) {
    await opened.close();
    if (!(error instanceof WorkerStartError)) throw error;
    throw new CommandError(EXIT_OF[error.failure], await explain(error, settings.port.value), { cause: error });
  }
  const { problems, children } = await worker.stopped;
  await opened.close();
  return problems.length === 0 && children?.ok !== false ? EXIT.done : EXIT.failed;
};
