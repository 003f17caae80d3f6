/** How a result is shown, by what it is: times with their ratios and the facts beside them, or a matrix of who has contained what. */
import { factsAsMarkdown, factsAsText } from './facts.mjs';
import { matrixAsMarkdown, matrixAsText, matrixPlot } from './matrix.mjs';
import { plotOf } from './plot.mjs';
import { asMarkdown, asText, figuresOf } from './table.mjs';

const isMatrix = ({ plot }) => plot.kind === 'matrix';

const factsOf = ({ facts = [] }) => facts;

const parts = (rows) => figuresOf(rows).map((figure) => [figure, rows.filter((row) => row.figure === figure)]);

/** For a terminal. */
export const resultAsText = (result) =>
  isMatrix(result)
    ? [`${result.plot.figure}\n${matrixAsText(result.rows)}`]
    : [
        ...factsOf(result).map(factsAsText),
        ...parts(result.rows).map(([figure, rows]) => `${figure} (ms)\n${asText(rows)}`),
      ];

/** For Markdown. */
export const resultAsMarkdown = (result) =>
  isMatrix(result)
    ? [`**${result.plot.figure}**\n\n${matrixAsMarkdown(result.rows)}`]
    : [
        ...factsOf(result).map(factsAsMarkdown),
        ...parts(result.rows).map(([figure, rows]) => `**${figure}**\n\n${asMarkdown(rows)}`),
      ];

export const plotOfResult = (result) => {
  const { id, plot, rows: all } = result;
  const title = `${id}: ${plot.figure}`;
  const rows = all.filter(({ figure }) => figure === plot.figure);
  return isMatrix(result) ? matrixPlot({ title, rows }) : plotOf({ title, scale: plot.scale, rows });
};
