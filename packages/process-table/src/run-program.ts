import { ProcessTableError, type ProcessTableErrorCode } from './errors.js';

export interface ProgramLimits {
  /** Milliseconds after which the program is killed. */
  readonly timeoutMs: number;
  /** Bytes of its output after which it is killed. */
  readonly maxBytes: number;
}

export interface ProgramRun extends ProgramLimits {
  /** An absolute path: nothing is looked up in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** The code of the error it rejects with. */
  readonly code: ProcessTableErrorCode;
}

export interface ProgramAnswer {
  readonly stdout: string;
  /** The program's own pid, for leaving it out of what it lists. */
  readonly pid: number | undefined;
}

/**
 * Runs a program to its end, without a shell. An exit with 1 that says nothing at all is an empty answer: so does `ps` report that
 * it found nobody. Everything else that is not success rejects.
 */
export const runProgram = async (run: ProgramRun): Promise<ProgramAnswer> => {
  // Loaded here: on Linux nobody needs it, and loading it costs a start-up milliseconds.
  const { execFile } = await import('node:child_process');
  const { program, args, environment, code, timeoutMs, maxBytes } = run;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const why = cause instanceof Error ? cause.message : String(cause);
      reject(new ProcessTableError(code, `${program} failed: ${why}`, { cause }));
    };
    const options = {
      env: environment,
      timeout: timeoutMs,
      maxBuffer: maxBytes,
      killSignal: 'SIGKILL',
      windowsHide: true,
      encoding: 'utf8',
    } as const;
    try {
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        const silent = stdout.trim() === '' && stderr.trim() === '';
        if (error === null || (error.code === 1 && silent)) resolve({ stdout, pid: child.pid });
        else fail(error);
      });
      // Nobody writes to it: a program that reads must not wait.
      child.stdin?.end();
    } catch (error) {
      // Some errors of spawn are thrown instead of emitted.
      fail(error);
    }
  });
};
