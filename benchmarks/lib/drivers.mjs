import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { markedEnvironment } from './mark.mjs';
import { joining } from './observer.mjs';

const entry = fileURLToPath(new URL('./driver.mjs', import.meta.url));

/** A process of its own for one peer, in a cgroup of its own: it holds the code that is measured and nothing else. */
export const startDriver = async ({ module, peer, observer }) => {
  const place = observer.place();
  const [command, args] = joining(place.driver, process.execPath, [entry, module, peer]);
  const child = spawn(command, args, { env: markedEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map();
  let asked = 0;
  child.on('message', ({ id, ok, value }) => {
    const answer = waiting.get(id);
    waiting.delete(id);
    if (ok) answer?.resolve(value);
    else answer?.reject(new Error(`${peer}: ${value}`));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the driver of ${peer} ended (${signal ?? code})`));
    waiting.clear();
  });
  const call = (method, more = {}) =>
    new Promise((resolve, reject) => {
      asked += 1;
      waiting.set(asked, { resolve, reject });
      child.send({ id: asked, method, args: { ...more, work: place.work } }, (error) => {
        if (error !== null) reject(error);
      });
    });
  // What it cannot do on this machine it says now, in its own words.
  const { skipped } = await call('open');
  return {
    peer,
    pid: child.pid,
    work: place.work,
    skipped,
    call,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      await Promise.race([call('close'), new Promise((resolve) => setTimeout(resolve, 3000).unref())]).catch(() => {});
      child.kill('SIGKILL');
      await ended;
    },
  };
};

export const startDrivers = async ({ module, peers, observer }) => {
  const drivers = [];
  for (const peer of peers) drivers.push(await startDriver({ module, peer, observer }));
  const usable = new Map(drivers.filter(({ skipped }) => skipped === undefined).map((driver) => [driver.peer, driver]));
  const skipped = new Map(drivers.flatMap((driver) => (driver.skipped ? [[driver.peer, driver.skipped]] : [])));
  return { usable, skipped, close: () => Promise.all(drivers.map((driver) => driver.close())) };
};
