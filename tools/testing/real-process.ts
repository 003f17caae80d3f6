import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RealProcess extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with how it ended. */
  readonly exit: Promise<Exit>;
  /** The next line of its standard output; rejects at the deadline or when it ends first. The handshake of most tests. */
  line(deadlineMs?: number): Promise<string>;
  /** Everything it wrote so far. */
  output(): { readonly stdout: string; readonly stderr: string };
}

const within = <T>(what: string, deadlineMs: number, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/**
 * Starts a real process for a test and ends it, by its own pid alone, when the test leaves scope:
 * `await using child = await startProcess('sleep', ['60'])`. Standard streams are pipes unless `stdio` says otherwise.
 */
export const startProcess = async (
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<RealProcess> => {
  const child = spawn(command, args, { stdio: 'pipe', ...options });
  const exit = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const closed = once(child, 'close');
  closed.catch(() => {});
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no pid`);
  let stdout = '';
  let stderr = '';
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const waiter = waiting.shift();
      if (waiter === undefined) lines.push(line);
      else waiter(line);
    });
  }
  child.stdin?.on('error', () => {
    // A process that ended before it read its input is the test's subject, not its failure.
  });
  return {
    pid,
    child,
    exit,
    line: (deadlineMs = 10_000) => {
      const ready = lines.shift();
      if (ready !== undefined) return Promise.resolve(ready);
      const next = new Promise<string>((resolve) => waiting.push(resolve));
      // When its streams have ended too: its last line may still be on its way when it has exited.
      const ended = closed.then(([code, signal]): never => {
        throw new Error(`${command} ended (${code ?? signal}) before it wrote a line: ${stderr}`);
      });
      ended.catch(() => {});
      return within(`a line of ${command}`, deadlineMs, Promise.race([next, ended]));
    },
    output: () => ({ stdout, stderr }),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await within(`the end of ${command} ${pid}`, 10_000, exit);
    },
  };
};

export interface Finished extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Runs a command to its end and returns what it did; kills it at the deadline and rejects. `input` is written to its stdin, which is then closed. */
export const runToEnd = async (
  command: string,
  args: readonly string[],
  { input, deadlineMs = 20_000, ...options }: SpawnOptions & { input?: string; deadlineMs?: number } = {},
): Promise<Finished> => {
  const startedAt = performance.now();
  await using running = await startProcess(command, args, options);
  running.child.stdin?.end(input);
  // 'close' rather than 'exit': the streams are complete.
  const closed = once(running.child, 'close').then(() => running.exit);
  const ended = await within(`the end of ${command} ${args.join(' ')}`, deadlineMs, closed);
  return { ...ended, ...running.output(), durationMs: performance.now() - startedAt };
};
