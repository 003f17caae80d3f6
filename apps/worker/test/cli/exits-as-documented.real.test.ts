import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { onlyLine, workerPlace } from '../support.js';

const VERBS = ['run', 'start', 'stop', 'restart', 'status', 'doctor', 'ps', 'sessions', 'end', 'events', 'exec'];

describe('no worker runs', () => {
  test.each([
    ['status'],
    ['ps'],
    ['sessions', '--all'],
    ['end', 'some'],
    ['events'],
    ['exec', '--session', 's', '--create', '--', 'true'],
  ])('%s exits with 3 and says how to start one', async (...args) => {
    await using place = await workerPlace();
    const { code, stdout, stderr } = await place.cm(args);
    expect(code).toBe(3);
    expect(onlyLine(stdout + stderr)).toContain('start it with cm-worker start');
    expect(existsSync(place.dataDir)).toBe(false);
  });

  test('status and stop say so in JSON, and a stop of nothing is done', async () => {
    await using place = await workerPlace();
    const [status, stop, plainly] = await Promise.all([
      place.json(['status']),
      place.json(['stop']),
      place.cm(['stop', '--force']),
    ]);
    expect(status).toMatchObject({ code: 3, body: { status: 'not running', dataDir: place.dataDir } });
    expect(stop).toEqual({ code: 0, body: { status: 'not running' } });
    expect(plainly).toMatchObject({ code: 0, stdout: 'not running\n', stderr: '' });
    expect(existsSync(place.dataDir)).toBe(false);
  });

  test('the doctor works all the same, and finds nothing wrong with nothing (R30)', async () => {
    await using place = await workerPlace();
    const { code, body } = await place.json(['doctor']);
    expect(body).toMatchObject({
      supervisor: { running: false, pid: null, dataDir: place.dataDir },
      claim: { status: 'free' },
      pidFile: { status: 'missing', pid: null },
      processes: [],
      versions: { worker: null },
    });
    expect(code).toBe(0);
    expect(existsSync(place.dataDir)).toBe(false);
  });
});

describe('help and version', () => {
  test('--help shows examples and the exit codes, and starts nothing', async () => {
    await using place = await workerPlace();
    const all = await Promise.all([['--help'], ['start', '--help'], ['exec', '--help']].map((args) => place.cm(args)));
    const [general, ...each] = all;
    for (const { code, stdout, stderr } of all) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: cm-worker/);
    }
    expect(general?.stdout).toContain('Examples:');
    expect(general?.stdout).toContain('Exit codes: 0 done · 1 failed · 2 usage · 3 not running · 4 held by another');
    for (const verb of VERBS) expect(general?.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    expect(each.at(-1)?.stdout).toContain('Example:');
    expect(existsSync(place.dataDir)).toBe(false);
  });

  test('--version prints the version of the package', async () => {
    await using place = await workerPlace();
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await place.cm(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('a command line that cannot be meant', () => {
  test('exits with 2, one line, and starts nothing', async () => {
    await using place = await workerPlace();
    const lines = [
      [],
      ['strat'],
      ['start', '--port', 'abc'],
      ['start', '--port', '70000'],
      ['run', '--port', '-1'],
      ['run', '--port', '0'],
      ['run', '--containment', 'none'],
      ['exec', '--session', 's'],
    ];
    for (let from = 0; from < lines.length; from += 4) {
      await Promise.all(
        lines.slice(from, from + 4).map(async (args) => {
          const { code, stdout, stderr } = await place.cm(args);
          expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
          expect(onlyLine(stderr)).toMatch(/^cm-worker: /);
        }),
      );
    }
    expect(existsSync(place.dataDir)).toBe(false);
  });
});

describe('what a later version brings', () => {
  test('exits with 1 and says that it is not in this one', async () => {
    await using place = await workerPlace();
    const lines = [['logs', '-f', 'row'], ['install-hooks'], ['token', 'rotate'], ['dashboard', '--json']];
    await Promise.all(
      lines.map(async (args) => {
        const { code, stderr } = await place.cm(args);
        expect({ args, code }).toEqual({ args, code: 1 });
        expect(onlyLine(stderr)).toBe(`cm-worker: "${args[0]}" is not in this version`);
      }),
    );
    expect((await place.cm(['status'])).code).toBe(3);
  });
});
