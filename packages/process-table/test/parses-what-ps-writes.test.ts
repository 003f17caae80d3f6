import { describe, expect, test } from 'vitest';
import { parseDuration } from '../src/posix/parse-duration.js';
import { parsePs } from '../src/posix/parse-ps.js';
import { dialectOf, type PsColumn } from '../src/posix/ps-dialect.js';
import { BUSYBOX, PROCPS } from './fixtures/ps-dialects.js';

const columnsOf = (platform: NodeJS.Platform): readonly PsColumn[] => dialectOf(platform)?.columns ?? [];

describe('parsePs', () => {
  test('reads what procps writes', () => {
    const text = [
      '    1     0     1     1 Ss   Thu Nov 26 08:23:35 2026 13812 00:00:05 systemd',
      '   34     2     0     0 I<   Thu Nov 26 08:23:35 2026     0 00:00:00 kworker/R-writeback',
      ' 4711   900   900   800 Tl+  Thu Nov  5 23:59:59 2026 51200 1-02:03:04 node',
      ' 4712   900   900   800 Z    Thu Nov 26 08:23:36 2026     0 00:00:00 sh <defunct>',
      '',
    ].join('\n');
    expect(parsePs(text, PROCPS.columns)).toEqual([
      {
        pid: 1,
        ppid: 0,
        pgid: 1,
        sid: 1,
        state: 'running',
        startToken: '1795681415',
        memoryBytes: 13812 * 1024,
        cpuMs: 5000,
        command: 'systemd',
      },
      expect.objectContaining({ pid: 34, pgid: 0, sid: 0, state: 'running', memoryBytes: 0 }),
      {
        pid: 4711,
        ppid: 900,
        pgid: 900,
        sid: 800,
        state: 'stopped',
        startToken: '1793923199',
        memoryBytes: 51200 * 1024,
        cpuMs: ((26 * 60 + 3) * 60 + 4) * 1000,
        command: 'node',
      },
      expect.objectContaining({ pid: 4712, state: 'zombie', startToken: '1795681416', command: 'sh <defunct>' }),
    ]);
  });

  test('reads what macOS writes: a path, minutes without end, no session', () => {
    const text = [
      '  501     1   501 Ss   Thu Nov 26 08:23:35 2026      9216 123:01.25 /System/Library/Core Services/login window.app',
      '  502   501   501 S+   Thu Nov 26 08:23:36 2026      1024   0:00.04 -zsh',
      '  503   501   503 Z    Thu Nov 26 08:23:36 2026         0   0:00.00 (sleep)',
      '',
    ].join('\n');
    expect(parsePs(text, columnsOf('darwin'))).toMatchObject([
      { pid: 501, sid: 501, cpuMs: 7381250, command: '/System/Library/Core Services/login window.app' },
      // The group stands for the session that is not said.
      { pid: 502, pgid: 501, sid: 501, cpuMs: 40, startToken: '1795681416' },
      { pid: 503, sid: 503, state: 'zombie' },
    ]);
  });

  test('does not take another session for its own', () => {
    const [row] = parsePs('  9     1     7 S+   Thu Nov 26 08:23:36 2026  1 0:00.04 x', columnsOf('darwin'));
    expect(row?.sid).toBe(7);
  });

  test('reads what FreeBSD writes, and works the start out from the elapsed time', () => {
    const text = [
      '  812     1   812   812 Is      01:00:00   2364 0:00.01 sshd',
      '  900   812   900   900 TJ   2-00:00:01.00   2364 0:00.01 a b',
      '  901   812   900   900 Z            -      0 0:00.01 <defunct>',
    ].join('\n');
    expect(parsePs(text, columnsOf('freebsd'), 4000)).toMatchObject([
      { pid: 812, startToken: '~400.0' },
      { pid: 900, startToken: `~${(4000 - 172_801).toFixed(1)}`, state: 'stopped', command: 'a b' },
      { pid: 901, startToken: '', state: 'zombie' },
    ]);
  });

  test('gives no start where the moment of the look is not known', () => {
    const [row] = parsePs('812 1 812 812 Is 00:10 2364 0:00.01 sshd', columnsOf('freebsd'));
    expect(row).toMatchObject({ pid: 812, startToken: '' });
  });

  test('reads what Solaris writes', () => {
    const text = '  100     1   100   100 S    00:05 1024    00:01 /usr/lib/inet/inetd';
    expect(parsePs(text, columnsOf('sunos'), 100)).toMatchObject([
      { pid: 100, sid: 100, state: 'running', startToken: '~95.0', memoryBytes: 1048576, cpuMs: 1000 },
    ]);
  });

  test('reads what AIX writes: a zombie shows by its name alone', () => {
    const text = ['  100     1   100    00:05    00:01 srcmstr', '  101   100   100    00:05    00:00 <defunct>'].join(
      '\n',
    );
    expect(parsePs(text, columnsOf('aix'), 100)).toMatchObject([
      { pid: 100, sid: 100, state: 'running', memoryBytes: 0 },
      { pid: 101, state: 'zombie' },
    ]);
  });

  test('reads what BusyBox writes', () => {
    const text = [
      '    1     0     0     0 S    12m process_api',
      '   20     1    20    20 T    1.5g sleep',
      '29473 1 1 1 S 3940 bash',
    ];
    expect(parsePs(text.join('\n'), BUSYBOX.columns)).toMatchObject([
      { pid: 1, memoryBytes: 12 * 1024 ** 2, startToken: '', cpuMs: 0 },
      { pid: 20, memoryBytes: 1.5 * 1024 ** 3, state: 'stopped' },
      { pid: 29473, memoryBytes: 3940 * 1024 },
    ]);
  });

  test.each([') ( x', ' lead', 'a  b', '1 2 3 4', 'x\r', ''])('is not misled by the command %j', (command) => {
    const text = ` 42     1    42    42 S    Thu Nov 26 08:23:35 2026  1832 00:00:00 ${command}\n`;
    expect(parsePs(text, PROCPS.columns)).toMatchObject([{ pid: 42, command }]);
  });

  test('gives a line that is no process to the command before it', () => {
    const text = ' 42 1 42 42 S Thu Nov 26 08:23:35 2026 1 00:00:00 two\n 7 8 9\n 43 1 43 43 S - - - x\n';
    expect(parsePs(text, PROCPS.columns)).toMatchObject([
      { pid: 42, command: 'two\n 7 8 9' },
      { pid: 43, command: 'x', startToken: '', memoryBytes: 0, cpuMs: 0 },
    ]);
  });

  test('gives no start for a date that is not English', () => {
    const [row] = parsePs(' 42 1 42 42 S Don Mai 26 08:23:35 2026 1 00:00:00 x', PROCPS.columns);
    expect(row).toMatchObject({ pid: 42, startToken: '' });
  });

  test.each(['', '\n', 'ps: illegal option', 'PID PPID PGID'])('finds nobody in %j', (text) => {
    expect(parsePs(text, PROCPS.columns)).toEqual([]);
  });
});

describe('parseDuration', () => {
  test.each([
    ['00:00', 0],
    ['0:00.04', 0.04],
    ['01:02', 62],
    ['123:01.25', 7381.25],
    ['01:02:03', 3723],
    ['2-01:02:03', 176_523],
    ['11-00:00:00', 950_400],
  ])('%s is %d s', (text, seconds) => {
    expect(parseDuration(text)).toBeCloseTo(seconds);
  });

  test.each(['', '-', '12', '1h02', '3d04', ':02', '1:2'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
