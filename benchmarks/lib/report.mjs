import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plotOfResult, resultAsMarkdown } from './shown.mjs';
import { goalLine } from './table.mjs';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

const HEAD = `# Performance

<!-- Written by \`npm run bench\` from \`benchmarks/results\`: change it there. -->

Each figure is the median of rounds in which all peers took turns, in one run on one machine; times are milliseconds. The ratio is that of the medians to
the baseline. Absolute times move with the machine and with what else runs on it. \`npm run bench -- B1 --full\` runs one of them at length.
`;

const conditions = ({ mode, when, node, platform, cores, load }) =>
  `${mode} run of ${when.slice(0, 10)}: Node ${node}, ${platform}, ${cores} cores, load ${load} at its start.`;

const section = (result) => {
  const { id, title, goals, notes, baseline, plot } = result;
  const svg = plotOfResult(result);
  const file = `performance/${id.toLowerCase()}.svg`;
  const parts = [
    `## ${id}. ${title}`,
    `${conditions(result)}${baseline === undefined ? '' : ` Baseline: ${baseline}.`}`,
    goals.map((goal) => `- ${goalLine(goal)}`).join('\n'),
    notes.map((note) => `- ${note}`).join('\n'),
    svg === undefined ? '' : `![${id}: ${plot.figure}](${file})`,
    ...resultAsMarkdown(result),
  ];
  return { file, svg, markdown: parts.filter((part) => part !== '').join('\n\n') };
};

/** `docs/performance.md` and its plots, from the results that are there. */
export const writeReport = (results) => {
  const sections = results.map(section);
  mkdirSync(join(DOCS, 'performance'), { recursive: true });
  for (const { file, svg } of sections) {
    if (svg === undefined) rmSync(join(DOCS, file), { force: true });
    else writeFileSync(join(DOCS, file), svg);
  }
  const path = join(DOCS, 'performance.md');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${[HEAD.trimEnd(), ...sections.map(({ markdown }) => markdown)].join('\n\n')}\n`);
};
