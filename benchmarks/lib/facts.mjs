/** What is no time: counts, rates, a yes or no. `{ title, lines }`, a line being an object of one cell for each column, all of the same columns. */

const shown = (cell) => (cell === null || cell === undefined ? '–' : String(cell));

const cellsOf = ({ lines }) => [Object.keys(lines[0]), ...lines.map((line) => Object.values(line).map(shown))];

/** For a terminal: what a line is about to the left, everything else to the right. */
export const factsAsText = (facts) => {
  const lines = cellsOf(facts);
  const widths = lines[0].map((_, at) => Math.max(...lines.map((cells) => cells[at].length)));
  const aligned = lines.map((cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '),
  );
  return [facts.title, ...aligned].join('\n');
};

/** For Markdown. */
export const factsAsMarkdown = (facts) => {
  const [head, ...body] = cellsOf(facts);
  const joined = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, at) => (at === 0 ? '---' : '--:'));
  return `**${facts.title}**\n\n${[head, rule, ...body].map(joined).join('\n')}`;
};
