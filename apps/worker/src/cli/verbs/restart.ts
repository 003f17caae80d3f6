import { ROUTES } from '../../contract/index.js';
import { dataDirectoryOf } from '../common-options.js';
import type { WorkerFlags } from '../settings-for.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';
import { reportReady, startWorker } from './start.js';
import { stopWorker } from './stop.js';

/** Stops the worker, waits until its claim is free, spawns this very artifact, and verifies that somebody new is there. */
export const restart = async (options: WorkerFlags, terminal: Terminal): Promise<number> => {
  const dataDirectory = dataDirectoryOf(options, terminal);
  const before = await stopWorker(dataDirectory, ROUTES.restart, false, terminal);
  const ready = await startWorker(options, dataDirectory, terminal);
  const { record } = ready;
  if (record.instanceId === before?.instanceId || record.version !== terminal.version) {
    throw new CommandError(
      EXIT.failed,
      `the worker that runs now (pid ${record.pid}, version ${record.version}) is not the one that was started`,
    );
  }
  await reportReady(ready, dataDirectory, options.json === true, terminal);
  return EXIT.done;
};
