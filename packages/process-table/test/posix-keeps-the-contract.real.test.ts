import { existsSync } from 'node:fs';
import { createPosixTable } from '../src/posix/create-posix-table.js';
import type { PsDialect } from '../src/posix/ps-dialect.js';
import { readPlace } from '../src/posix/read-place.js';
import { describeProcessTable, type World } from './contract.js';
import { BUSYBOX, ELAPSED, PROCPS, SESSIONLESS } from './fixtures/ps-dialects.js';
import { createRealWorld } from './fixtures/real-world.js';

const { platform } = process;
const world = (dialect: PsDialect): Promise<World> =>
  createRealWorld(createPosixTable({ dialect, place: () => readPlace(platform) }), {
    cookies: dialect.environment !== undefined,
  });

if (platform === 'linux') {
  describeProcessTable('ps of procps', () => world(PROCPS));
  describeProcessTable('ps with elapsed times', () => world(ELAPSED));
  describeProcessTable('ps without sessions', () => world(SESSIONLESS));
} else {
  console.warn('skipped: the ps of procps needs Linux');
}

if (existsSync(BUSYBOX.program) && platform === 'linux') {
  console.warn('left out for BusyBox: it says neither when a process started nor what is in its environment');
  describeProcessTable('ps of BusyBox', () => world(BUSYBOX), { starts: false, cookies: false });
} else {
  console.warn(`skipped: the ps of BusyBox needs Linux and ${BUSYBOX.program}`);
}
