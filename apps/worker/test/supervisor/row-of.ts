import type { ProcessRecord } from '@cm/process-registry';

/** A row as the registry gives it: that of a process that has ended and may be started again, but for the changes. */
export const rowOf = (changes: Partial<ProcessRecord> = {}): ProcessRecord => ({
  id: 'p1',
  name: 'server',
  sessionId: 's',
  type: 'process',
  command: 'x',
  args: [],
  cwd: '/',
  restart: 'permanent',
  stopSignal: 'SIGTERM',
  graceMs: 0,
  killWaitMs: 0,
  onWorkerDeath: 'kill',
  envKeys: [],
  cookie: 'c',
  status: 'exited',
  order: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  adopted: false,
  attached: false,
  containment: 'group',
  ...changes,
});
