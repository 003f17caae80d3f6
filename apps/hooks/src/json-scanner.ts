const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

const isBlankOrMark = (byte: number): boolean =>
  byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xef || byte === 0xbb || byte === 0xbf;

export interface JsonScanner {
  /**
   * Takes the next bytes. Returns how many of them belong to the first value once it is complete, else undefined.
   * `onBoundary` hears the offsets of what stands between the members of a top-level object: its `{`, `,` and `}`.
   */
  push(chunk: Uint8Array, onBoundary?: (offset: number) => void): number | undefined;
}

/**
 * Finds the end of the first JSON value in a stream, byte by byte and once over each. It only counts: whether the value is
 * valid is for `JSON.parse`. A number or a word has no end of its own and is never found complete. Bytes of UTF-8 beyond ASCII
 * never equal a byte that counts.
 */
export const createJsonScanner = (): JsonScanner => {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let start: 'blank' | 'object' | 'array' | 'string' | 'word' = 'blank';

  const begin = (byte: number): void => {
    if (byte === OPEN_BRACE) start = 'object';
    else if (byte === OPEN_BRACKET) start = 'array';
    else if (byte === QUOTE) start = 'string';
    else if (!isBlankOrMark(byte)) start = 'word';
  };

  return {
    push: (chunk, onBoundary) => {
      for (let offset = 0; offset < chunk.length; offset += 1) {
        const byte = chunk[offset] ?? 0;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) {
            inString = false;
            if (depth === 0) return offset + 1;
          }
          continue;
        }
        if (start === 'blank') begin(byte);
        if (start === 'blank') continue;
        if (start === 'word') return undefined;
        if (byte === QUOTE) inString = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
          depth += 1;
          if (depth === 1 && start === 'object') onBoundary?.(offset);
        } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          depth -= 1;
          if (depth === 0) {
            if (start === 'object') onBoundary?.(offset);
            return offset + 1;
          }
        } else if (byte === COMMA && depth === 1 && start === 'object') onBoundary?.(offset);
      }
      return undefined;
    },
  };
};
