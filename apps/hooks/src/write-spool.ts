import { closeSync, openSync as open, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BODY_LIMIT_BYTES, type DataDirectory, prepareDirectory, type SpooledEvent } from '@cm/worker/contract';
import { LARGE_EVENT_BYTES, SPOOL_LIMIT_BYTES, SPOOL_LIMIT_FILES } from './budgets.js';
import { errorText, hasCode } from './error-text.js';

export type SpoolWriting =
  | { readonly status: 'written'; readonly path: string }
  /** `full`: the spool's bound, not the disk's, refused it. */
  | { readonly status: 'dropped'; readonly full: boolean; readonly reason: string };

export interface SpoolLimits {
  readonly files?: number;
  readonly bytes?: number;
}

/** The event without its payload still says that it happened: better than none when the payload cannot be written. */
const serialise = (event: SpooledEvent): string => {
  const bare = (): string => JSON.stringify({ ...event, truncated: true, payload: {} });
  try {
    const text = JSON.stringify(event);
    return Buffer.byteLength(text) <= BODY_LIMIT_BYTES ? text : bare();
  } catch {
    // Nested deeper than the stack.
    return bare();
  }
};

/** Sorts by the time of the event. No session id in it: those are no file names. */
const fileName = (at: string): string =>
  `${String(Date.parse(at)).padStart(15, '0')}-${process.pid}-${process.hrtime.bigint()}.json`;

const waitingIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const whyFull = ({ spoolNew }: DataDirectory, eventBytes: number, limits: SpoolLimits): string | undefined => {
  const { files = SPOOL_LIMIT_FILES, bytes = SPOOL_LIMIT_BYTES } = limits;
  const names = waitingIn(spoolNew);
  if (names.length >= files) return `the spool holds ${names.length} events`;
  // Only a large event pays for a look at every file; small ones are bounded by their number.
  if (eventBytes < LARGE_EVENT_BYTES) return undefined;
  const held = names.reduce((sum, name) => sum + sizeOf(join(spoolNew, name)), 0);
  return held + eventBytes > bytes ? `the spool holds ${held} bytes` : undefined;
};

/** Makes a directory only where it turns out to be missing: of many first hooks at once, each may find another part made. */
const within = <T>(directory: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    const prepared = prepareDirectory(directory);
    if (!prepared.ok) throw new Error(prepared.reason);
    return run();
  }
};

/**
 * Leaves an event for the worker by the Maildir rule: written in `spool/tmp`, renamed into `spool/new` when it is whole, so
 * that a hook killed at any moment leaves nothing half-read. Never throws.
 */
export const writeSpool = (directory: DataDirectory, event: SpooledEvent, limits: SpoolLimits = {}): SpoolWriting => {
  const text = serialise(event);
  const full = whyFull(directory, Buffer.byteLength(text), limits);
  if (full !== undefined) return { status: 'dropped', full: true, reason: full };
  const name = fileName(event.at);
  const temporary = join(directory.spoolTmp, name);
  const path = join(directory.spoolNew, name);
  try {
    const descriptor = within(directory.spoolTmp, () => open(temporary, 'wx', 0o600));
    try {
      try {
        writeFileSync(descriptor, text);
      } finally {
        closeSync(descriptor);
      }
      within(directory.spoolNew, () => renameSync(temporary, path));
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
    return { status: 'written', path };
  } catch (error) {
    return { status: 'dropped', full: false, reason: errorText(error) };
  }
};
