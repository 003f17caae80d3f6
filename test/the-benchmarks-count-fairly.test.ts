import { describe, expect, test } from 'vitest';
import { lostOf, parseSaid } from '../benchmarks/lib/acknowledged.mjs';
import { directoryIn, findMount } from '../benchmarks/lib/cgroup.mjs';
import { factsAsMarkdown, factsAsText } from '../benchmarks/lib/facts.mjs';
import { atLeast, atMost, worst } from '../benchmarks/lib/goals.mjs';
import { type MatrixRow, matrixAsMarkdown, matrixPlot, scoresOf } from '../benchmarks/lib/matrix.mjs';
import { marksOf, plotOf, positionOf } from '../benchmarks/lib/plot.mjs';
import { rotated, runRounds, type Sample } from '../benchmarks/lib/rounds.mjs';
import { median, percentile, ratio, summarize } from '../benchmarks/lib/statistics.mjs';

describe('the statistics', () => {
  test.each([
    [[], null],
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %j', (samples, expected) => {
    expect(median(samples)).toBe(expected);
  });

  test('a percentile is one of the samples, the largest where they are few', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 95, 99, 100]);
    expect(percentile([5, 1], 0.95)).toBe(5);
  });

  test('no samples give no figures, and no ratio', () => {
    expect(summarize([])).toEqual({ n: 0, medianMs: null, minMs: null, maxMs: null, p95Ms: null, p99Ms: null });
    expect([ratio(null, 2), ratio(2, null), ratio(2, undefined), ratio(2, 0), ratio(3, 2)]).toEqual([
      null,
      null,
      null,
      null,
      1.5,
    ]);
  });
});

describe('the rounds', () => {
  const play = async (costs: Readonly<Record<string, number>>, failing = ''): Promise<[string[], number[]]> => {
    let clock = 0;
    const order: string[] = [];
    const sample = async (peer: string): Promise<Sample> => {
      order.push(peer);
      clock += costs[peer] ?? 0;
      return peer === failing ? { failed: 'it does not' } : {};
    };
    const peers = Object.keys(costs);
    const samples = await runRounds({ peers, fewest: 2, most: 5, budgetMs: 300, sample, now: () => clock });
    return [order, peers.map((peer) => samples.get(peer)?.length ?? 0)];
  };

  test('begin with another peer each time', async () => {
    expect([0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
    const [order] = await play({ a: 1, b: 1, c: 1 });
    expect(order.slice(0, 6).join('')).toBe('abcbca');
  });

  test('leave the quick ones their rounds when a slow one has used up its time', async () => {
    expect((await play({ slow: 1000, quick: 1, other: 1 }))[1]).toEqual([2, 5, 5]);
  });

  test('do not ask again whoever failed', async () => {
    expect((await play({ a: 1, b: 1 }, 'b'))[1]).toEqual([5, 1]);
  });
});

describe('the goals', () => {
  test('tell what was not measured from what was not met', () => {
    expect([1, 2, null, undefined, Number.NaN].map((value) => atMost('', value, 1.5).met)).toEqual([
      true,
      false,
      null,
      null,
      null,
    ]);
  });

  test('have a bound from below, too', () => {
    expect([9, 10, null, Number.NaN].map((value) => atLeast('', value, 10).met)).toEqual([false, true, null, null]);
  });

  test('for every case are not met by some of them', () => {
    expect([worst([1, 3, 2]), worst([1, null]), worst([])]).toEqual([3, null, null]);
  });
});

describe('the plot', () => {
  test('has marks on both sides of every value', () => {
    expect(marksOf([0.3, 42], 'log')).toEqual([0.1, 1, 10, 100]);
    expect(marksOf([10], 'log')).toEqual([10, 100]);
    expect(marksOf([3, 13], 'linear')).toEqual([0, 5, 10, 15]);
  });

  test.each(['log', 'linear'] as const)('keeps the order of values on a %s scale', (scale) => {
    const values = [0.5, 1, 7, 90];
    const marks = marksOf(values, scale);
    const places = values.map((value) => positionOf(value, marks, scale));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.every((place) => place >= 0 && place <= 1)).toBe(true);
  });

  test('draws peers with a figure only, and escapes what they are called', () => {
    const row = { case: 'a < b', medianMs: 2, minMs: 1, maxMs: 3 };
    const missing = { ...row, peer: 'missing', medianMs: null, minMs: null, maxMs: null };
    const svg = plotOf({ title: 'B0', rows: [{ ...row, peer: 'one & two' }, missing] });
    expect(svg).toContain('one &#38; two');
    expect(svg).toContain('a &#60; b');
    expect(svg).not.toContain('missing');
    expect(plotOf({ title: 'B0', rows: [missing] })).toBeUndefined();
  });
});

describe('the matrix', () => {
  const row = (name: string, peer: string, left: number | null, more: Partial<MatrixRow> = {}): MatrixRow => ({
    case: name,
    peer,
    contained: left === null ? null : left === 0,
    left,
    counts: true,
    ...more,
  });
  const rows = [
    row('plain', 'one', 0),
    row('plain', 'two', 3, { note: 'it reports success' }),
    row('daemon', 'one', 2),
    row('daemon', 'two', null),
    row('beside', 'one', 0, { counts: false }),
    row('beside', 'two', 0, { counts: false, contained: false }),
  ];

  test('scores what counts and was measured', () => {
    expect(scoresOf(rows)).toEqual([
      { peer: 'one', contained: 1, all: 2 },
      { peer: 'two', contained: 0, all: 1 },
    ]);
  });

  test('has how many are left in each cell, and tells nobody left from not measured and from a failed stop', () => {
    expect(matrixAsMarkdown(rows).split('\n')).toEqual([
      '| specimen | one | two |',
      '| --- | --: | --: |',
      '| contained / all | 1/2 | 0/1 |',
      '| plain | ✓ | 3 |',
      '| daemon | 2 | – |',
      '| beside | ✓ | failed |',
      '',
      '- plain, two: it reports success',
    ]);
  });

  test('is drawn where something was measured', () => {
    const svg = matrixPlot({ title: 'a < b', rows });
    expect(svg?.match(/<rect /g)).toHaveLength(3);
    expect(svg).toContain('a &#60; b');
    expect(matrixPlot({ title: '', rows: [row('daemon', 'two', null)] })).toBeUndefined();
  });
});

describe('the facts', () => {
  const facts = {
    title: 'Kills',
    lines: [
      { peer: 'a | b', lost: 0 },
      { peer: 'two', lost: null },
    ],
  };

  test('tell nothing from not measured', () => {
    expect(factsAsText(facts).split('\n')).toEqual(['Kills', 'peer   lost', 'a | b     0', 'two       –']);
  });

  test('are a table in Markdown', () => {
    const lines = factsAsMarkdown(facts).split('\n');
    expect(lines).toEqual(['**Kills**', '', '| peer | lost |', '| --- | --: |', '| a \\| b | 0 |', '| two | – |']);
  });
});

describe('what a killed writer had been told', () => {
  const lost = (said: string, found: readonly (readonly [number, string])[]): number[] =>
    lostOf({ seeds: 1, said: parseSaid(said), found });

  test('is read up to a line that is not whole', () => {
    expect([...parseSaid('intended 7\nrunning 7\nintended 8\nrunni')]).toEqual([
      [7, 'running'],
      [8, 'intended'],
    ]);
  });

  test.each([
    ['a row that is missing', 'running 7\n', [], [7]],
    ['a row that has fallen behind', 'running 7\n', [[7, 'intended']], [7]],
    ['a row that is back', 'forgotten 7\n', [[7, 'exited']], [7]],
    ['none that has gone further', 'intended 7\n', [[7, 'running']], []],
    ['none that was being forgotten', 'forgetting 7\n', [], []],
    ['none that was being forgotten and is there', 'forgetting 7\n', [[7, 'exited']], []],
  ] as const)('counts %s', (_, said, found, expected) => {
    expect(lost(said, [[0, 'running'], ...found])).toEqual(expected);
  });

  test('counts those that were there before', () => {
    expect(lost('', [])).toEqual([0]);
  });
});

describe('the cgroup of a process', () => {
  const line = (root: string, path: string, type: string): string =>
    `41 31 0:38 ${root} ${path} rw,relatime shared:9 - ${type} ${type} rw`;

  test('is looked for below the one mount of version 2, also beside mounts of version 1', () => {
    const mountinfo = [line('/', '/sys/fs/cgroup/pids', 'cgroup'), line('/', '/sys/fs/cgroup/unified', 'cgroup2')];
    const mount = findMount(mountinfo.join('\n'));
    expect(mount).toEqual({ path: '/sys/fs/cgroup/unified', root: '/' });
    expect(mount && directoryIn(mount, '8:pids:/elsewhere\n0::/a/b\n')).toBe('/sys/fs/cgroup/unified/a/b');
    expect(findMount(mountinfo[0] ?? '')).toBeUndefined();
  });

  test('is counted from the top of a mount that shows a part only', () => {
    const mount = findMount(line('/docker/1', '/sys/fs/cgroup', 'cgroup2'));
    expect(mount && directoryIn(mount, '0::/docker/1/a')).toBe('/sys/fs/cgroup/a');
  });
});
