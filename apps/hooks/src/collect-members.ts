import { CUT_PAYLOAD_BYTES, CUT_VALUE_BYTES } from './budgets.js';
import { createJsonScanner } from './json-scanner.js';

export interface MemberCollector {
  push(chunk: Uint8Array): void;
  /** What was found so far. A member that was too large is the beginning of its JSON text. */
  members(): Readonly<Record<string, unknown>>;
}

const KEY = /^\s*("(?:[^"\\]|\\.)*")\s*:\s*/;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Collects the members of a top-level object from a stream that is too large to keep, or that ended too soon: the ids, the
 * names and the small values survive, wherever they stand.
 */
export const createMemberCollector = (): MemberCollector => {
  const scanner = createJsonScanner();
  const found = new Map<string, unknown>();
  let [keptBytes, collecting, overflowed] = [0, false, false];
  let parts: Buffer[] = [];
  let partBytes = 0;

  const keep = (bytes: Uint8Array): void => {
    const room = CUT_VALUE_BYTES - partBytes;
    if (bytes.length > room) overflowed = true;
    if (room <= 0 || bytes.length === 0) return;
    const part = Buffer.from(bytes.subarray(0, room));
    parts.push(part);
    partBytes += part.length;
  };

  const finish = (): void => {
    const text = Buffer.concat(parts).toString('utf8');
    const match = KEY.exec(text);
    const key = match?.[1] === undefined ? undefined : parse(match[1]);
    if (typeof key === 'string' && match !== null && keptBytes + partBytes <= CUT_PAYLOAD_BYTES) {
      const valueText = text.slice(match[0].length);
      const value = overflowed ? valueText : parse(valueText);
      if (value !== undefined) {
        found.set(key, value);
        keptBytes += partBytes;
      }
    }
    [parts, partBytes, overflowed] = [[], 0, false];
  };

  return {
    push: (chunk) => {
      let from = 0;
      const end = scanner.push(chunk, (offset) => {
        if (collecting) {
          keep(chunk.subarray(from, offset));
          finish();
        }
        collecting = true;
        from = offset + 1;
      });
      if (end !== undefined) collecting = false;
      else if (collecting) keep(chunk.subarray(from));
    },
    // Own members only, `__proto__` included: what JSON.parse would have made.
    members: () => Object.fromEntries(found),
  };
};
