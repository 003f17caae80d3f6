import { type ProcessExit, type ProcessRecord, STDERR_TAIL_BYTES } from './record.js';
import { type RowEvent, transition } from './transition.js';

/** A stop that we asked for is not a crash (field failure 26). */
const wasAsked = ({ status }: ProcessRecord): boolean => status === 'stopping' || status === 'survived';

const exitOf = (row: ProcessRecord, event: RowEvent): ProcessExit | undefined => {
  switch (event.type) {
    case 'exited': {
      const unasked = row.status === 'lost' ? 'lost' : 'crashed';
      return { code: event.code, signal: event.signal, reason: wasAsked(row) ? 'asked' : unasked };
    }
    case 'found-dead':
      return { code: null, signal: null, reason: wasAsked(row) ? 'asked' : 'lost' };
    case 'killed':
      return { code: null, signal: 'SIGKILL', reason: 'asked' };
    default:
      return undefined;
  }
};

/** The last bytes of a text; a character that they would cut in two is left out. */
const tailOf = (text: string): string => {
  const bytes = Buffer.from(text);
  if (bytes.length <= STDERR_TAIL_BYTES) return text;
  let start = bytes.length - STDERR_TAIL_BYTES;
  // Every byte of a character but its first is 10xxxxxx (RFC 3629).
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
};

/** The row after an event; the same row when nothing about it changed. Pure. */
export const applyEvent = (
  row: ProcessRecord,
  event: RowEvent,
  details: { readonly stderrTail?: string } = {},
): ProcessRecord => {
  const stderrTail = details.stderrTail === undefined ? row.stderrTail : tailOf(details.stderrTail);
  const status = transition(row.status, event);
  if (status === row.status && stderrTail === row.stderrTail) return row;
  const exit = status === row.status ? undefined : exitOf(row, event);
  return {
    ...row,
    status,
    ...(exit === undefined ? {} : { exit }),
    ...(stderrTail === undefined ? {} : { stderrTail }),
  };
};
