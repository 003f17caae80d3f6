import { expect, it } from 'vitest';
import { runScript as run } from './support/run-script.js';

it('S10: a process with a started monitor ends by itself', async () => {
  const ended = await run(`
    import { createHealthMonitor } from './index.js';
    const monitor = createHealthMonitor({ sweep: () => console.log('swept'), onError: console.error });
    monitor.start();
    await monitor.runNow();
    process.on('exit', () => console.log('left'));
  `);
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'swept\nleft\n', stderr: '' });
});

it('a process that lives for another reason is swept', async () => {
  const ended = await run(`
    import { createHealthMonitor } from './index.js';
    const alive = setInterval(() => {}, 1_000_000);
    let sweeps = 0;
    createHealthMonitor({
      sweep: () => { console.log('swept'); if (++sweeps === 3) clearInterval(alive); },
      intervalMs: 5,
      onError: console.error,
    }).start();
  `);
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'swept\n'.repeat(3), stderr: '' });
});

it('a process that has probed, waited and asked the doctor ends by itself, long before the limits it gave', async () => {
  const ended = await run(`
    import { createServer } from 'node:http';
    import { probe, waitUntilReady } from './client.js';
    import { runDoctor } from './index.js';
    const server = createServer((_, response) => response.end('{"status":"ready"}')).listen(0, '127.0.0.1', async () => {
      const { port } = server.address();
      const timeoutMs = 3_600_000;
      console.log((await probe({ port, path: '/', timeoutMs })).status);
      console.log(await waitUntilReady({ port, deadlineMs: timeoutMs, timeoutMs }));
      console.log((await runDoctor([{ id: 'a', run: () => ({ status: 'pass', detail: '' }) }], { timeoutMs })).ok);
      server.close();
    });
  `);
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'answered\nready\ntrue\n', stderr: '' });
});
