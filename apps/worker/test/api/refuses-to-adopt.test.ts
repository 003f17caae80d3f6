import type { ProcessRow } from '@cm/process-table';
import { describe, expect, it } from 'vitest';
import { isAncestorOf, refusalOf } from '../../src/supervisor/refuse-adoption.js';

const rowOf = (pid: number, changes: Partial<ProcessRow> = {}): ProcessRow => ({
  identity: { pid, startToken: '77', bootId: 'boot', machineId: 'machine', pidNs: 'pid:[1]' },
  ppid: 1,
  pgid: pid,
  sid: pid,
  state: 'running',
  command: 'sleep',
  ...changes,
});

const ANYBODY = { isAncestor: () => false, canSignal: () => true };

describe('adoption (R20, fault 7)', () => {
  it('is open to a process of the same user, with its start token or without', () => {
    expect(refusalOf({ pid: 4242 }, rowOf(4242), ANYBODY)).toBeUndefined();
    expect(refusalOf({ pid: 4242, startToken: '77' }, rowOf(4242), ANYBODY)).toBeUndefined();
  });

  it.each([[0], [1], [-1], [-4242], [2 ** 31], [1.5], [Number.NaN], [Number.POSITIVE_INFINITY]])(
    'is closed to pid %d, even if something were found there',
    (pid) => {
      expect(refusalOf({ pid }, rowOf(pid), ANYBODY)).toMatch(/may not be adopted/);
    },
  );

  it('is closed to the worker and its ancestors', () => {
    expect(refusalOf({ pid: process.pid }, rowOf(process.pid), ANYBODY)).toMatch(/the worker itself/);
    const facts = { ...ANYBODY, isAncestor: (pid: number) => pid === 4242 };
    expect(refusalOf({ pid: 4242 }, rowOf(4242), facts)).toMatch(/ancestor/);
  });

  it('is closed to nobody, to the kernel, to another than was meant, and to another’s', () => {
    expect(refusalOf({ pid: 4242 }, undefined, ANYBODY)).toMatch(/no process/);
    expect(refusalOf({ pid: 4242 }, rowOf(4242, { pgid: 0 }), ANYBODY)).toMatch(/kernel/);
    expect(refusalOf({ pid: 4242, startToken: '78' }, rowOf(4242), ANYBODY)).toMatch(/start token/);
    expect(refusalOf({ pid: 4242 }, rowOf(4242), { ...ANYBODY, canSignal: () => false })).toMatch(/not yours/);
  });
});

it('knows ancestors, however far up, and no others', () => {
  const rows = [rowOf(10), rowOf(20, { ppid: 10 }), rowOf(30, { ppid: 20 }), rowOf(40, { ppid: 10 })];
  expect(isAncestorOf(rows, 10, 30)).toBe(true);
  expect(isAncestorOf(rows, 20, 30)).toBe(true);
  expect(isAncestorOf(rows, 40, 30)).toBe(false);
  expect(isAncestorOf(rows, 30, 30)).toBe(false);
  expect(isAncestorOf(rows, 30, 10)).toBe(false);
});

it('does not run in circles where a listing does', () => {
  expect(isAncestorOf([rowOf(10, { ppid: 20 }), rowOf(20, { ppid: 10 })], 30, 10)).toBe(false);
});
