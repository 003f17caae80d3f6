import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../tools/testing/temporary-directory.js';
import { dataDirectoryAt, type SpooledEvent } from '../../src/contract/index.js';
import { silentLog } from '../../src/supervisor/log.js';
import { openSpool } from '../../src/supervisor/spool.js';

const event = (id: string, payload: unknown): SpooledEvent => ({
  id,
  event: 'PostToolUse',
  sessionId: 's',
  agent: 'claude-code',
  at: '2026-01-01T00:00:00.000Z',
  payload,
});

const deep = (levels: number): string =>
  `{"id":"deep","event":"E","sessionId":"s","agent":"a","at":"2026-01-01T00:00:00.000Z","payload":${'['.repeat(levels)}${']'.repeat(levels)}}`;

test('an event that can be read but never written keeps nobody behind it from being taken', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  mkdirSync(dataDirectory.spoolNew, { recursive: true });
  writeFileSync(join(dataDirectory.spoolNew, '1.json'), deep(2000));
  writeFileSync(join(dataDirectory.spoolNew, '2.json'), JSON.stringify(event('second', {})));
  const taken: string[] = [];
  const spool = openSpool({ dataDirectory, take: ({ id }) => void taken.push(id), log: silentLog });
  await spool.stop();
  expect(taken).toEqual(['second']);
  expect(readdirSync(join(directory.path, 'spool', 'bad'))).toEqual(['1.json']);
  expect(spool.state().lastError).toContain('nests deeper');
});

test('a fault of the event itself sets it aside; a fault of the disk leaves it for the next look', async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = dataDirectoryAt(directory.path);
  mkdirSync(dataDirectory.spoolNew, { recursive: true });
  writeFileSync(join(dataDirectory.spoolNew, '1.json'), JSON.stringify(event('first', {})));
  writeFileSync(join(dataDirectory.spoolNew, '2.json'), JSON.stringify(event('second', {})));
  const take = ({ id }: SpooledEvent): void => {
    if (id === 'first') throw new RangeError('too much');
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  const spool = openSpool({ dataDirectory, take, log: silentLog });
  await spool.stop();
  expect(readdirSync(join(directory.path, 'spool', 'bad'))).toEqual(['1.json']);
  expect(readdirSync(dataDirectory.spoolNew)).toEqual(['2.json']);
});
