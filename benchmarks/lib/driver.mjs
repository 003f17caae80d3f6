/** The process that holds one peer: `node driver.mjs MODULE PEER`, told what to do over its channel. */
import { setTimeout as pause } from 'node:timers/promises';

/** The observer begins to look in this time. */
const HEAD_START_MS = 5;
const [module, name] = process.argv.slice(2);
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

const { create } = await import(new URL(`../peers/${module}.mjs`, import.meta.url).href);
const peer = await create(name);

/** Durations are taken here; the moments are of the one monotonic clock of the machine, so that the observer can compare. */
const timed = async (method, args) => {
  await pause(HEAD_START_MS);
  const cpu = process.cpuUsage();
  const startMs = nowMs();
  const value = await peer[method](args);
  const endMs = nowMs();
  const { user, system } = process.cpuUsage(cpu);
  return { startMs, endMs, ms: endMs - startMs, cpuMs: (user + system) / 1000, value };
};

const own = {
  open: async () => ({ skipped: peer.skipped }),
  close: async () => peer.close?.(),
};

process.on('message', ({ id, method, args }) => {
  const run = async () => {
    if (method.startsWith('timed:')) return timed(method.slice('timed:'.length), args);
    return (own[method] ?? peer[method])(args);
  };
  run().then(
    (value) => process.send({ id, ok: true, value }),
    (error) => process.send({ id, ok: false, value: error instanceof Error ? error.message : String(error) }),
  );
});
// Whoever started it has gone.
process.on('disconnect', () => process.exit(0));
