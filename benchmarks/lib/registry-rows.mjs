/** The rows that every registry is given: made from a number, so that no two are alike and each run writes the same bytes. */

const SESSIONS = 50;

export const specOf = (number) => ({
  name: `server-${number}`,
  sessionId: `session-${number % SESSIONS}`,
  type: 'mcp',
  command: 'node',
  args: ['/opt/servers/files/index.js', '--root', '/home/user/project'],
  cwd: '/home/user/project',
  restart: 'temporary',
  stopSignal: 'SIGTERM',
  graceMs: 5000,
  killWaitMs: 1000,
  onWorkerDeath: 'kill',
  envKeys: ['HOME', 'LANG', 'PATH'],
});

/** Of a process that nobody has: nothing here is ever looked up. */
export const identityOf = (number) => ({
  pid: 1_000_000 + number,
  startToken: String(10_000 + number),
  bootId: '2f7a4f0e-0d5b-4a51-9c3e-5f6d1b7c8e90',
  machineId: '7c1d5a90b3e24f6f8d0a1b2c3d4e5f60',
  pidNs: '4026531836',
});

/** What ours makes of the two, for those who keep rows as they are given them. */
export const recordOf = (number, status) => ({
  ...specOf(number),
  id: keyOf(number),
  cookie: number.toString(16).padStart(32, '0'),
  status,
  order: number + 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  ...(status === 'intended' ? {} : { identity: identityOf(number) }),
  adopted: false,
  attached: false,
  containment: status === 'intended' ? '' : 'group',
  ...(status === 'exited' ? { exit: { code: 0, signal: null, reason: 'crashed' } } : {}),
});

/** As long as an id of ours. */
export const keyOf = (number) => `p${String(number).padStart(17, '0')}`;
