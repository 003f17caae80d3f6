import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Counted, countResults } from '../scripts/count-results.mjs';
import { temporaryDirectory } from '../tools/testing/temporary-directory.js';

interface FileReport {
  readonly name: string;
  readonly status: 'passed' | 'failed';
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

const file = (statuses: readonly string[], more: Partial<FileReport> = {}): FileReport => ({
  name: '/repository/test/a.test.ts',
  status: statuses.includes('failed') ? 'failed' : 'passed',
  message: '',
  assertionResults: statuses.map((status, index) => ({ status, fullName: `title ${index}` })),
  ...more,
});

const count = async (content: unknown, exitCode: number): Promise<Counted> => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'results.json');
  if (content !== undefined) await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return countResults(path, exitCode, '/repository');
};

describe('the sum of a report', () => {
  test('counts tests by what became of them, and names the failed ones', async () => {
    const testResults = [file(['passed', 'failed', 'skipped', 'pending', 'todo']), file(['passed'])];
    expect(await count({ testResults }, 1)).toEqual({
      passed: 2,
      failed: 1,
      skipped: 3,
      failures: ['test/a.test.ts > title 1'],
    });
  });

  test('a file that could not be loaded is a failure, though no test of it failed', async () => {
    const testResults = [file([], { status: 'failed', message: 'Cannot find module\n  at …' })];
    expect(await count({ testResults }, 1)).toMatchObject({
      failed: 1,
      failures: ['test/a.test.ts: Cannot find module'],
    });
  });

  test('an error outside every test is a failure', async () => {
    expect(await count({ testResults: [file(['passed'])] }, 1)).toMatchObject({ passed: 1, failed: 1 });
  });

  test.each([
    ['missing', undefined],
    ['not JSON', '{'],
    ['empty', ''],
  ])('a report that is %s is a failure, whatever the exit code', async (_what, content) => {
    expect(await count(content, 0)).toEqual({ passed: 0, failed: 1, skipped: 0, failures: ['no results (exit 0)'] });
  });

  test('a report without tests is a failure', async () => {
    expect(await count({ testResults: [] }, 0)).toMatchObject({ failed: 1, failures: ['no tests'] });
  });

  test('a run in which everything passed has no failures', async () => {
    expect(await count({ testResults: [file(['passed', 'passed'])] }, 0)).toEqual({
      passed: 2,
      failed: 0,
      skipped: 0,
      failures: [],
    });
  });
});
