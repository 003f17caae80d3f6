import { dataDirectoryAt } from '../../contract/index.js';
import { recoverOnce } from '../../recover-once.js';
import { openWorkerLog } from '../../worker-log.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

export interface RecoverOptions extends CommonOptions {
  readonly once?: boolean;
}

/** Ends what a killed worker left behind, and leaves. The guardian runs it for those that had left their group. */
export const recover = async (options: RecoverOptions, terminal: Terminal): Promise<number> => {
  if (options.once !== true)
    throw new CommandError(EXIT.usage, 'recover needs --once: a worker recovers by itself when it starts');
  const dataDirectory = dataDirectoryAt(dataDirectoryOf(options, terminal).path);
  const opened = openWorkerLog(dataDirectory.logs, 'info');
  try {
    const result = await recoverOnce({ dataDirectory, log: opened.log });
    if (result.status === 'failed') throw new CommandError(EXIT.failed, result.reason);
    if (options.json === true) terminal.print(JSON.stringify(result));
    else if (result.status === 'held') terminal.print(`nothing to do: ${result.reason}`);
    else {
      const { stopped, survivors, kept } = result;
      const still = survivors.length === 0 ? '' : `, still alive: ${survivors.join(', ')}`;
      terminal.print(`stopped ${stopped.length}, kept ${kept.length}${still}`);
    }
    return result.status === 'recovered' && result.survivors.length > 0 ? EXIT.failed : EXIT.done;
  } finally {
    await opened.close();
  }
};
