import type { JournalFs } from './file-system.js';
import { ABANDONED, HEADER } from './lines.js';

export interface AppendFile {
  /** One write of one whole line; when it returns, the line survives SIGKILL. Throws the system's error and leaves no line. */
  append(line: string): void;
  /** Empties the file. */
  clear(): void;
  close(): void;
}

/** Opens a file of lines for appending, cut to the given length. The header is written together with the first line. */
export const openAppendFile = (fs: JournalFs, path: string, length: number): AppendFile => {
  const descriptor = fs.open(path, 'append');
  let size = length;
  let headerDue = length === 0;
  let tornLine = false;

  const cut = (to: number): void => {
    fs.truncate(descriptor, to);
    size = to;
    tornLine = false;
  };

  const cutOrMark = (): void => {
    try {
      cut(size);
    } catch {
      // The torn line stays until the next write puts an end to it, so that only this line is lost.
      tornLine = true;
    }
  };

  if (fs.length(descriptor) !== length) cutOrMark();

  return {
    append: (line) => {
      const bytes = Buffer.from(`${tornLine ? ABANDONED : ''}${headerDue ? HEADER : ''}${line}`);
      try {
        const written = fs.write(descriptor, bytes);
        if (written !== bytes.length) throw new Error(`short write: ${written} of ${bytes.length} bytes`);
      } catch (error) {
        cutOrMark();
        throw error;
      }
      size = tornLine ? fs.length(descriptor) : size + bytes.length;
      tornLine = false;
      headerDue = false;
    },
    clear: () => {
      cut(0);
      headerDue = true;
    },
    close: () => fs.close(descriptor),
  };
};
