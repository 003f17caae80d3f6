/** A dot for the median and a line from min to max, one line of text for each peer: it needs no legend and no colour to be read. */

const LEFT = 190;
const RIGHT = 70;
const WIDTH = 860;
const LINE = 17;
const GAP = 26;
const TOP = 54;
export const INK = '#1f2328';
export const FAINT = '#d0d7de';
export const GREY = '#59636e';
export const OURS = '#0969da';

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const fixed = (value) => Number(value.toFixed(1));

/** The marks of an axis that holds all values: powers of ten, or eight equal steps at most from zero. */
export const marksOf = (values, scale) => {
  const most = Math.max(...values);
  if (scale === 'log') {
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
    return Array.from({ length: high - low + 1 }, (_, at) => Number((10 ** (low + at)).toPrecision(1)));
  }
  const raw = most / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((candidate) => candidate >= raw);
  const count = Math.ceil(most / step);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)));
};

/** Where a value stands between the first mark and the last, from 0 to 1. */
export const positionOf = (value, marks, scale) => {
  const [low, high] = [marks[0], marks[marks.length - 1]];
  return scale === 'log'
    ? (Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))
    : (value - low) / (high - low);
};

export const text = (x, y, content, { size = 12, colour = INK, anchor = 'start', bold = false } = {}) =>
  `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" fill="${colour}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ''}>${escaped(content)}</text>`;

export const line = (x1, y1, x2, y2, colour, width = 1) =>
  `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${colour}" stroke-width="${width}"/>`;

/** A whole SVG: a title above what has been drawn. */
export const drawing = ({ label, title, width, height, drawn }) =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${escaped(label)}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(12, 20, title, { size: 13, bold: true }),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');

/**
 * An SVG of these rows, grouped by case; undefined where none of them has a figure. A logarithm has no place for 0: smaller
 * values than 0.01 are drawn there.
 */
export const plotOf = ({ title, rows: all, scale = 'log', unit = 'ms' }) => {
  const least = scale === 'log' ? 0.01 : 0;
  const rows = all.filter(({ medianMs }) => medianMs !== null);
  if (rows.length === 0) return undefined;
  const values = rows
    .flatMap(({ minMs, medianMs, maxMs }) => [minMs, medianMs, maxMs])
    .map((one) => Math.max(least, one));
  const marks = marksOf(values, scale);
  const x = (value) => LEFT + positionOf(Math.max(least, value), marks, scale) * (WIDTH - LEFT - RIGHT);
  const cases = [...new Set(rows.map((row) => row.case))];
  const height = TOP + cases.length * GAP + rows.length * LINE + 16;
  const drawn = [];
  let y = TOP;
  for (const name of cases) {
    drawn.push(text(12, y + 11, name, { bold: true }));
    y += GAP;
    for (const row of rows.filter((one) => one.case === name)) {
      const colour = row.peer.startsWith('ours') ? OURS : GREY;
      drawn.push(
        text(LEFT - 10, y + 4, row.peer, { anchor: 'end', colour }),
        line(x(row.minMs), y, x(row.maxMs), y, colour, 2),
        `<circle cx="${fixed(x(row.medianMs))}" cy="${fixed(y)}" r="4" fill="${colour}"/>`,
        text(x(row.maxMs) + 8, y + 4, String(row.medianMs), { size: 11, colour }),
      );
      y += LINE;
    }
  }
  const grid = marks.flatMap((mark) => [
    line(x(mark), TOP - 8, x(mark), height - 12, FAINT),
    text(x(mark), TOP - 14, `${mark}`, { size: 11, colour: GREY, anchor: 'middle' }),
  ]);
  return drawing({
    label: title,
    title: `${title} (${unit}${scale === 'log' ? ', logarithmic' : ''}; median, min to max)`,
    width: WIDTH,
    height,
    drawn: [...grid, ...drawn],
  });
};
