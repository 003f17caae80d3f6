import { describe, expect, test } from 'vitest';
import { dialectOf, type PsDialect } from '../src/posix/ps-dialect.js';
import { psArguments } from '../src/posix/run-ps.js';
import { BUSYBOX } from './fixtures/ps-dialects.js';

const of = (platform: NodeJS.Platform): PsDialect => {
  const dialect = dialectOf(platform);
  if (dialect === undefined) throw new Error(`no ps on ${platform}`);
  return dialect;
};

describe('psArguments', () => {
  test('asks for everybody, one column each, comm last', () => {
    const asked = psArguments(of('darwin'), { columns: of('darwin').columns });
    expect(asked.join(' ')).toBe('-A -ww -o pid= -o ppid= -o pgid= -o stat= -o lstart= -o rss= -o time= -o comm=');
  });

  test('asks for some', () => {
    expect(psArguments(of('sunos'), { columns: ['pid'], pids: [42, 43] })).toEqual(['-p', '42,43', '-o', 'pid=']);
  });

  test.each([
    ['darwin', '-A -E -ww -o pid= -o args='],
    ['freebsd', '-A -e -ww -o pid= -o args='],
    ['sunos', '-A -o pid= -o args='],
  ] as const)('asks %s for environments in its own way', (platform, asked) => {
    expect(psArguments(of(platform), { columns: ['pid', 'args'], environment: true }).join(' ')).toBe(asked);
  });

  test('asks BusyBox for everybody by its applet', () => {
    expect(psArguments(BUSYBOX, { columns: ['pid', 'comm'], pids: [42] })).toEqual(['ps', '-o', 'pid=', '-o', 'comm=']);
  });
});

test.each([
  ['darwin', 'lstart'],
  ['netbsd', 'lstart'],
  ['freebsd', 'etime'],
  ['openbsd', 'etime'],
  ['sunos', 'etime'],
  ['aix', 'etime'],
] as const)('%s tells the start of a process by %s', (platform, column) => {
  const { columns } = of(platform);
  expect(columns.filter((name) => name === 'lstart' || name === 'etime')).toEqual([column]);
  expect(columns.at(-1)).toBe('comm');
});

test('a session is asked for only where it is a pid', () => {
  const sessions = (['darwin', 'netbsd', 'openbsd', 'freebsd', 'sunos'] as const).map((platform) =>
    of(platform).columns.includes('sid'),
  );
  expect(sessions).toEqual([false, false, false, true, true]);
});
