import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../../../../tools/testing/eventually.js';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { type DataDirectory, dataDirectoryAt, type SpooledEvent } from '../../src/contract/index.js';
import { silentLog } from '../../src/supervisor/log.js';
import { openSpool, type Spool } from '../../src/supervisor/spool.js';

interface Bench extends AsyncDisposable {
  readonly files: DataDirectory;
  readonly spool: Spool;
  readonly taken: string[];
  /** What `take` throws next, until it is cleared. */
  refusal: Error | undefined;
  leave(name: string, content?: string): void;
}

const content = (id: string): string =>
  JSON.stringify({
    id,
    event: 'Stop',
    sessionId: 's',
    agent: 'claude-code',
    at: '2026-01-01T00:00:00.000Z',
    payload: null,
  } satisfies SpooledEvent);

const bench = async (intervalMs = 20): Promise<Bench> => {
  const directory = await temporaryDirectory();
  const files = dataDirectoryAt(directory.path);
  mkdirSync(files.spoolNew, { recursive: true });
  mkdirSync(files.spoolTmp, { recursive: true });
  const taken: string[] = [];
  const take = ({ id }: SpooledEvent): void => {
    if (made.refusal !== undefined) throw made.refusal;
    taken.push(id);
  };
  const spool = openSpool({ dataDirectory: files, take, log: silentLog, intervalMs });
  const made: Bench = {
    files,
    spool,
    taken,
    refusal: undefined,
    leave: (name, text = content(name)) => {
      const temporary = join(files.spoolTmp, name);
      writeFileSync(temporary, text);
      renameSync(temporary, join(files.spoolNew, `${name}.json`));
    },
    [Symbol.asyncDispose]: async () => {
      made.refusal = undefined;
      await spool.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
  return made;
};

test('in the order of names, each once, and then it is gone', async () => {
  await using it = await bench();
  for (const name of ['3', '1', '20', '2']) it.leave(name);
  expect(it.spool.state()).toMatchObject({ depth: 4, bytes: 4 * content('1').length + 1, lastError: null });
  await it.spool.stop();
  expect(it.taken).toEqual(['1', '2', '20', '3']);
  expect(readdirSync(it.files.spoolNew)).toEqual([]);
  expect(it.spool.state()).toEqual({ depth: 0, bytes: 0, lastError: null });
  await it.spool.stop();
  expect(it.taken).toHaveLength(4);
});

test('also what arrives later, by watch or by interval', async () => {
  await using it = await bench();
  it.leave('before');
  it.spool.start();
  await eventually('the first is taken', () => it.taken.includes('before'));
  for (const name of ['a', 'b', 'c']) it.leave(name);
  await eventually('all are taken', () => it.taken.length === 4);
  expect([...it.taken].sort()).toEqual(['a', 'b', 'before', 'c']);
});

test('what is half written in tmp is nobody’s business', async () => {
  await using it = await bench();
  writeFileSync(join(it.files.spoolTmp, 'half.json'), '{"id":');
  writeFileSync(join(it.files.spoolNew, 'other.txt'), 'not an event file');
  await it.spool.stop();
  expect(it.taken).toEqual([]);
  expect(readdirSync(it.files.spoolTmp)).toEqual(['half.json']);
  expect(readdirSync(it.files.spoolNew)).toEqual(['other.txt']);
});

test('while the record cannot be written the file stays, nothing overtakes it, and the error is shown until it is over', async () => {
  await using it = await bench();
  it.refusal = new Error('ENOSPC: no space left on device');
  it.leave('1');
  it.leave('2');
  it.spool.start();
  await eventually('the error is shown', () => it.spool.state().lastError?.includes('ENOSPC'));
  expect([it.taken, it.spool.state().depth]).toEqual([[], 2]);
  it.refusal = undefined;
  await eventually('both are taken', () => it.taken.length === 2);
  expect(it.taken).toEqual(['1', '2']);
  await eventually('the error is over', () => it.spool.state().lastError === null);
});

test('what is no event is set aside, and the rest goes on', async () => {
  await using it = await bench();
  it.leave('1', 'not JSON');
  it.leave('2', '{"id":7}');
  it.leave('4');
  mkdirSync(join(it.files.spoolNew, '0-directory.json'));
  symlinkSync('/nowhere/at/all', join(it.files.spoolNew, '3-dangling.json'));
  it.leave('5', content('5').padEnd(21 * 1024 * 1024));
  it.leave('6');
  await it.spool.stop();
  expect(it.taken).toEqual(['4', '6']);
  expect(readdirSync(it.files.spoolNew)).toEqual([]);
  const bad = join(it.files.path, 'spool', 'bad');
  expect(readdirSync(bad).sort()).toEqual(['0-directory.json', '1.json', '2.json', '3-dangling.json', '5.json']);
  expect(it.spool.state().lastError).toContain('spool/bad');
});

test('what hooks left in tmp goes after an hour', async () => {
  await using it = await bench();
  const [old, young] = [join(it.files.spoolTmp, 'old'), join(it.files.spoolTmp, 'young')];
  for (const path of [old, young]) writeFileSync(path, 'half');
  const now = Date.now();
  utimesSync(old, now / 1000 - 3_700, now / 1000 - 3_700);
  it.spool.prune(now);
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
});
