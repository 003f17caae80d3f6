import type { Clock } from '@cm/process-table';
import type { Settings } from './settings/settings.js';

/** A SIGKILLed worker holds its port for some milliseconds; so long a taken port is tried again. */
export const PORT_PATIENCE_MS = 1_000;
const PAUSE_MS = 25;
const HIGHEST_PORT = 65_535;
/** So many neighbours are tried before any free port will do. */
const NEIGHBOURS = 100;

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly port: number;

  constructor(port: number, cause: unknown) {
    super(`port ${port} is taken`, { cause });
    this.port = port;
  }
}

const isTaken = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'EADDRINUSE';

/**
 * Binds to the port that was asked for. One named on the command line is exact; any other is a preference, and after a second of
 * EADDRINUSE the next free one is taken. Only the holder of the claim may call this: the claim decides, not the port.
 *
 * @throws PortTakenError for an exact port that stays taken; the system's error for anything but EADDRINUSE.
 */
export const listenOnPort = async (
  listen: (port: number) => Promise<number>,
  { value, exact }: Settings['port'],
  clock: Clock,
): Promise<number> => {
  const endsAt = clock.monotonicMs() + PORT_PATIENCE_MS;
  for (;;) {
    try {
      return await listen(value);
    } catch (error) {
      if (!isTaken(error)) throw error;
      if (clock.monotonicMs() >= endsAt) {
        if (exact) throw new PortTakenError(value, error);
        break;
      }
      await clock.sleep(PAUSE_MS);
    }
  }
  for (let port = value + 1; port <= Math.min(value + NEIGHBOURS, HIGHEST_PORT); port += 1) {
    try {
      return await listen(port);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
  return listen(0);
};
