const COLUMN_GAP = '  ';

/** An aligned table; the last column is not padded. Empty rows print the headings alone. */
export const table = (headings: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(COLUMN_GAP)
      .trimEnd();
  return [headings, ...rows].map(line).join('\n');
};

export interface TreeNode {
  readonly label: string;
  readonly children: readonly TreeNode[];
}

/** Nested labels as lines with branches. */
export const tree = (nodes: readonly TreeNode[], indent = ''): string[] =>
  nodes.flatMap(({ label, children }, index) => {
    const last = index === nodes.length - 1;
    return [`${indent}${last ? '└─ ' : '├─ '}${label}`, ...tree(children, `${indent}${last ? '   ' : '│  '}`)];
  });

/** Seconds as people say them: `3 s`, `4 min 10 s`, `2 h 5 min`. */
export const duration = (seconds: number): string => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** Bytes as people say them: `512 B`, `12.3 MB`. */
export const bytes = (count: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
};

/** Text from elsewhere, safe to print on a terminal: no control characters, bounded. */
export const plain = (text: string, most = 200): string => {
  const visible = [...text].map((character) => (/\p{C}/u.test(character) ? '·' : character)).join('');
  return visible.length > most ? `${visible.slice(0, most - 1)}…` : visible;
};
