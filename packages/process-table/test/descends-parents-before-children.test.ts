import { describe, expect, test } from 'vitest';
import { descend, type ProcessRow } from '../src/index.js';
import { recorded } from './fixtures/linux-table.js';

const row = (pid: number, ppid: number): ProcessRow => ({
  identity: recorded(pid),
  ppid,
  pgid: pid,
  sid: pid,
  state: 'running',
  command: 'node',
});
const pids = (rows: readonly ProcessRow[]): number[] => rows.map(({ identity }) => identity.pid);

describe('descend', () => {
  test('finds children and their children, breadth first, without the root', () => {
    const rows = [row(10, 1), row(11, 10), row(12, 10), row(13, 11), row(20, 1)];
    expect(pids(descend(rows, [10]))).toEqual([11, 12, 13]);
  });

  test('fault 9: a child whose pid is lower than its parent’s (the pids have wrapped)', () => {
    expect(pids(descend([row(5, 9), row(7, 5), row(9, 1)], [9]))).toEqual([5, 7]);
  });

  test('names each descendant once, though two roots share it', () => {
    expect(pids(descend([row(10, 1), row(11, 10), row(12, 11)], [10, 11]))).toEqual([12]);
  });

  test('ends on a loop, which rows read at different moments can show', () => {
    expect(pids(descend([row(10, 12), row(11, 10), row(12, 11)], [10]))).toEqual([11, 12]);
  });

  test('finds nothing below a root that is not listed', () => {
    expect(descend([row(10, 1)], [99])).toEqual([]);
  });

  test('finds the children of a root that is not listed itself', () => {
    expect(pids(descend([row(10, 99)], [99]))).toEqual([10]);
  });
});
