import { createFakeProcessTable, type FakeProcessTable } from '@cm/process-table/testing';
import { expect, test } from 'vitest';
import { findOwner } from '../../src/supervisor/find-owner.js';

/** A chain of processes, the topmost first; returns the pid of the last. */
const chain = (table: FakeProcessTable, ...commands: string[]): number =>
  commands.reduce((ppid, command) => table.start({ ppid, command }).pid, 1);

test('a process that is no shell is its own owner', async () => {
  const table = createFakeProcessTable();
  const pid = chain(table, 'bash', 'claude');
  expect(await findOwner(table, { pid })).toMatchObject({ identity: { pid }, command: 'claude' });
});

test('shells between hook and agent are skipped: they end at once', async () => {
  const table = createFakeProcessTable();
  const agent = table.start({ command: 'node' });
  const zsh = table.start({ command: 'zsh', ppid: agent.pid });
  const sh = table.start({ command: 'sh', ppid: zsh.pid });
  expect(await findOwner(table, { pid: sh.pid })).toEqual({ identity: agent, command: 'node' });
});

test('a pid that belongs to somebody else by now has no owner (field failure 4)', async () => {
  const table = createFakeProcessTable();
  const agent = table.start({ command: 'claude' });
  expect(await findOwner(table, { pid: agent.pid, startToken: agent.startToken })).toBeDefined();
  table.reusePid(agent.pid);
  expect(await findOwner(table, { pid: agent.pid, startToken: agent.startToken })).toBeUndefined();
});

test('nobody is owner where no death would mean anything: gone, hidden, pid 1, or nothing but shells', async () => {
  const table = createFakeProcessTable();
  table.start({ pid: 1, command: 'init' });
  expect(await findOwner(table, { pid: 1 })).toBeUndefined();
  expect(await findOwner(table, { pid: 999_999 })).toBeUndefined();
  expect(await findOwner(table, { pid: chain(table, 'bash', 'sh') })).toBeUndefined();
  expect(await findOwner(table, { pid: chain(table, 'claude', ...Array<string>(20).fill('sh')) })).toBeUndefined();
  const hidden = table.start({ command: 'claude' });
  table.hide(hidden.pid);
  expect(await findOwner(table, { pid: hidden.pid })).toBeUndefined();
});
