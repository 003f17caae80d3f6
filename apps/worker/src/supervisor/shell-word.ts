/** A text as one word of a POSIX shell, for commands that people paste: names come from anywhere. */
export const shellWord = (text: string): string =>
  /^[\w.:@/+-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replace(/'/g, `'\\''`)}'`;
