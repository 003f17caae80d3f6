import type { ArtifactSearch } from '@cm/worker/client';
import type { DataDirectory, SpooledEvent } from '@cm/worker/contract';
import { adapterFor } from './adapters/index.js';
import { ENSURE_PATH_MS, HOT_PATH_MS, stdinBudgetMs } from './budgets.js';
import { buildEvent } from './build-event.js';
import { ensure } from './ensure.js';
import { enterDataDirectory, type Surroundings } from './enter-data-directory.js';
import { errorText } from './error-text.js';
import { type HookNoteCode, noteInHookLog } from './hook-log.js';
import { type HookCommand, parseArguments, USAGE } from './parse-arguments.js';
import { readStdin, type StdinReading } from './read-stdin.js';
import type { StdinSource } from './stdin-source.js';
import { wakeWorker } from './wake-worker.js';
import { writeSpool } from './write-spool.js';

/** The process that a hook runs in. */
export interface HookHost extends Surroundings {
  readonly argv: readonly string[];
  readonly parentPid: number;
  readonly stdin: () => StdinSource;
  readonly print: (text: string) => Promise<void>;
  readonly search: ArtifactSearch;
  readonly now: () => Date;
  /** Since this process started. */
  readonly elapsedMs: () => number;
  /** Ends the process with 0. There is no other way out. */
  readonly exit: () => void;
}

type Note = (code: HookNoteCode, detail: string) => void;

const EVENT_NAME_LIMIT = 200;

/** The event of what was read, or undefined when it says too little: then that is noted. */
const toEvent = (
  host: HookHost,
  { agent, event: wanted }: HookCommand,
  reading: StdinReading,
  at: Date,
  note: Note,
): SpooledEvent | undefined => {
  const { text } = reading;
  const said = adapterFor(agent).read({ payload: reading.payload, text, env: host.env, parentPid: host.parentPid });
  const event = (wanted ?? said.event)?.slice(0, EVENT_NAME_LIMIT);
  if (event === undefined) {
    note('usage', 'no event');
    return undefined;
  }
  if (reading.status === 'broken') {
    // An event whose session is known is worth having without its payload: it may be the end of that session.
    const code = said.sessionId === undefined ? 'lost' : 'broken';
    note(code, `stdin: ${text === '' ? 'empty' : 'not JSON'} (${reading.ending}), ${text.length} characters`);
    if (code === 'lost') return undefined;
  }
  if (reading.status === 'cut') note('broken', 'stdin: too large');
  const payload = reading.status === 'broken' ? { raw: text } : reading.payload;
  return buildEvent({ event, agent, at, host: said, payload, truncated: reading.status !== 'complete', text });
};

/** Stdin to spool to worker. Whatever happens on the way is noted in the log of the hooks and nowhere else. */
const handOver = async (host: HookHost, command: HookCommand, at: Date): Promise<void> => {
  // Even a hook with no business here reads: a host whose write fails may report a failed hook (Codex does).
  const reading = await readStdin(host.stdin(), { deadlineMs: stdinBudgetMs(host.elapsedMs()) });
  const entry = enterDataDirectory(host);
  if (entry.status !== 'entered') return;
  const { dataDirectory } = entry;
  const note: Note = (code, detail) =>
    noteInHookLog(dataDirectory.hookLog, { at, code, event: command.event ?? '', detail });
  try {
    const event = toEvent(host, command, reading, at, note);
    if (event === undefined) return;
    const written = writeSpool(dataDirectory, event);
    if (written.status === 'dropped') note('dropped', written.reason);
    // Where nothing can be written, a worker could not work either. A full spool is what one is needed for.
    if (written.status === 'dropped' && !written.full) return;
    await callWorker(host, dataDirectory, event, note);
  } catch (error) {
    note('lost', errorText(error));
  }
};

/** Waits, but not longer than a hook may take. */
const leavingAfter = async <T>(ms: number, { exit }: HookHost, waiting: Promise<T>): Promise<T> => {
  const timer = setTimeout(exit, ms);
  return waiting.finally(() => clearTimeout(timer));
};

const callWorker = async (
  host: HookHost,
  dataDirectory: DataDirectory,
  { agent, event }: SpooledEvent,
  note: Note,
): Promise<void> => {
  const { env, search, now } = host;
  if (!adapterFor(agent).waitsForWorker(event)) {
    const waking = await leavingAfter(HOT_PATH_MS, host, wakeWorker({ dataDirectory, env, search, now }));
    if (waking.status === 'failed') note('worker', waking.reason);
    return;
  }
  const leftMs = Math.max(0, ENSURE_PATH_MS - host.elapsedMs());
  // The deadline inside is shorter, so that what went wrong can still be noted.
  const deadlineMs = leftMs - 200;
  const ensuring = await leavingAfter(leftMs, host, ensure({ dataDirectory, env, search, now, deadlineMs }));
  if (ensuring.status !== 'ready') note('worker', ensuring.reason);
};

/** A hook from its first line to its last: it always exits with 0, and says nothing to its host (journey A). */
export const runHook = async (host: HookHost): Promise<void> => {
  try {
    const at = host.now();
    const command = parseArguments(host.argv);
    if (command.help) await host.print(USAGE);
    else await handOver(host, command, at);
  } catch {
    // Nothing that a hook meets is the host's concern.
  } finally {
    host.exit();
  }
};
