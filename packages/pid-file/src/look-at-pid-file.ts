import { checkRecord, type PidRecord } from './pid-record.js';
import { readOwnFile } from './read-own-file.js';

/** A reading that also tells a file with bad content, which may be replaced, from an obstacle (`code`), which may not. */
export type PidFileLook =
  | { readonly status: 'missing' }
  | { readonly status: 'invalid'; readonly reason: string; readonly code?: string }
  | { readonly status: 'found'; readonly record: PidRecord };

export const lookAtPidFile = (path: string): PidFileLook => {
  const file = readOwnFile(path);
  if (file.status === 'missing') return file;
  if (file.status === 'refused') return { ...file, status: 'invalid' };
  let document: unknown;
  try {
    document = JSON.parse(file.text);
  } catch {
    return { status: 'invalid', reason: 'it does not hold JSON, or only the beginning of it' };
  }
  const check = checkRecord(document);
  return check.ok ? { status: 'found', record: check.record } : { status: 'invalid', reason: check.reason };
};
