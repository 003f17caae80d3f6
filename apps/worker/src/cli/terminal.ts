/** What a command sees of the world outside; `main.ts` gives the real one. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly pid: number;
  readonly execPath: string;
  /** The running `cm-worker.js` itself: what `start` spawns. */
  readonly entry: string;
  readonly version: string;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly complain: (line: string) => void;
  /** Progress for people: only where standard error is a terminal. */
  readonly progress: (line: string) => void;
  /** Calls back for each of these signals, until disposed. */
  readonly onSignals: (signals: readonly NodeJS.Signals[], run: (signal: NodeJS.Signals) => void) => Disposable;
}

/** Exit codes, as documented: 0 done · 1 failed · 2 usage · 3 not running · 4 held by another. */
export const EXIT: {
  readonly done: 0;
  readonly failed: 1;
  readonly usage: 2;
  readonly notRunning: 3;
  readonly held: 4;
} = { done: 0, failed: 1, usage: 2, notRunning: 3, held: 4 };

/** Ends a command with one line and a code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
