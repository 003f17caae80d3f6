import type { ProcessIdentity } from '@cm/process-table';
import {
  createFakeClock,
  createFakeProcessTable,
  type FakeClock,
  type FakeProcessTable,
} from '@cm/process-table/testing';
import { vi } from 'vitest';
import {
  type CascadeEvent,
  type CascadeOptions,
  type CascadeReport,
  runShutdownCascade,
  type StopTarget,
  type TargetReport,
} from '../src/index.js';

export interface Stage {
  readonly table: FakeProcessTable;
  readonly clock: FakeClock;
  readonly events: CascadeEvent[];
  /** Every signal that reached a process, as `TERM 1000`. */
  signals(): string[];
  run(targets: readonly StopTarget[], options?: CascadeOptions): Promise<CascadeReport>;
}

// The fake clock turns the event loop once for every look: many turns, on a machine that others use too.
vi.setConfig({ testTimeout: 30_000 });

/** A fake process table and clock, and the cascade on them. */
export const stage = (): Stage => {
  const table = createFakeProcessTable();
  const clock = createFakeClock();
  const events: CascadeEvent[] = [];
  return {
    table,
    clock,
    events,
    signals: () => table.signals.map(({ signal, pid }) => `${signal.slice(3)} ${pid}`),
    run: (targets, options = {}) =>
      runShutdownCascade(targets, {
        table,
        clock,
        platform: 'linux',
        onProgress: (event) => void events.push(event),
        ...options,
      }),
  };
};

export const target = (identity: ProcessIdentity, rest: Partial<StopTarget> = {}): StopTarget => ({
  id: `t${identity.pid}`,
  identity,
  ...rest,
});

/** The report of the only target. */
export const only = ({ targets }: CascadeReport): TargetReport => {
  const [first, ...others] = targets;
  if (first === undefined || others.length > 0) throw new Error(`${targets.length} targets`);
  return first;
};

/** The signals of a report, as `TERM 1000 @5000`. */
export const sent = ({ signals }: TargetReport): string[] =>
  signals.map(({ signal, to, atMs }) => `${signal.slice(3)} ${to} @${atMs}`);
