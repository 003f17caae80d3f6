const shown = (value) => (value === null || value === undefined ? '–' : String(value));

const HEAD = ['case', 'peer', 'n', 'median', 'min', 'max', 'p95', 'ratio'];

/** The rows of one figure as cells; a case is said once. */
const cellsOf = (rows) =>
  rows.map((row, index) => [
    row.case === rows[index - 1]?.case ? '' : row.case,
    row.peer,
    String(row.n),
    ...[row.medianMs, row.minMs, row.maxMs, row.p95Ms].map(shown),
    row.note ?? (row.ratio === null ? '–' : `${row.ratio}×`),
  ]);

export const figuresOf = (rows) => [...new Set(rows.map(({ figure }) => figure))];

/** For a terminal: columns in line, figures to the right. */
export const asText = (rows) => {
  const lines = [HEAD, ...cellsOf(rows)];
  const widths = HEAD.map((_, column) =>
    Math.max(...lines.map((line) => (column === 7 && line[7].length > 12 ? 0 : line[column].length))),
  );
  return lines
    .map((line) => line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '))
    .join('\n');
};

/** For Markdown. */
export const asMarkdown = (rows) => {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rule = HEAD.map((_, at) => (at < 2 ? '---' : '--:'));
  return [
    line(HEAD),
    line(rule),
    ...cellsOf(rows).map((cells) => line(cells.map((cell) => cell.replaceAll('|', '\\|')))),
  ].join('\n');
};

export const goalLine = ({ text, met, value }) => {
  const verdict = met === null ? 'not measured' : met ? 'met' : 'NOT met';
  return `${verdict}: ${text}${value === null ? '' : ` — ${value}`}`;
};
