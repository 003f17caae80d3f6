import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { pruneChildLogs } from '../../src/supervisor/prune-logs.js';

const NOW = Date.UTC(2026, 0, 10);

const write = (directory: string, name: string, bytes: number, ageMs: number): void => {
  const path = join(directory, name);
  writeFileSync(path, 'x'.repeat(bytes));
  utimesSync(path, (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
};

test('removes what is too old and, oldest first, what is too much; spares living rows and other files', async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  write(path, 'pold.log', 10, 5000);
  write(path, '20260101-0000-01-pold.log', 10, 6000);
  write(path, 'plive.log', 10, 9000);
  write(path, 'pbig1.log', 60, 300);
  write(path, 'pbig2.log', 60, 200);
  write(path, 'worker.log', 500, 9000);
  write(path, 'hook.log', 500, 9000);
  pruneChildLogs(path, (id) => id === 'plive', NOW, { maxBytes: 100, maxAgeMs: 1000 });
  expect(readdirSync(path).sort()).toEqual(['hook.log', 'pbig2.log', 'plive.log', 'worker.log']);
});

test('leaves everything that is young and small', async () => {
  await using directory = await temporaryDirectory();
  write(directory.path, 'pa.log', 10, 100);
  pruneChildLogs(directory.path, () => false, NOW, { maxBytes: 100, maxAgeMs: 1000 });
  expect(readdirSync(directory.path)).toEqual(['pa.log']);
});
