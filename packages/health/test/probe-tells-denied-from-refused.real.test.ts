import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runScript } from './support/run-script.js';

// A network of its own in which connecting to one address is administratively prohibited: connect(2) says EACCES.
const prohibited = [
  'unshare',
  '--map-root-user',
  '--net',
  'sh',
  '-c',
  'ip route add prohibit 192.0.2.1 && exec "$@"',
  'sh',
];
const possible = spawnSync(prohibited[0] ?? '', [...prohibited.slice(1), 'true']).status === 0;
if (!possible) console.log('skipped: this machine lets nobody make a network namespace with a prohibited route');

it.skipIf(!possible)('a connection that the system forbids is denied, and not waited for', async () => {
  const ended = await runScript(
    `
      import { probe, waitUntilReady } from './client.js';
      console.log(JSON.stringify(await probe({ host: '192.0.2.1', port: 37777, path: '/', timeoutMs: 5000 })));
      console.log(await waitUntilReady({ host: '192.0.2.1', port: 37777, deadlineMs: 60_000 }));
    `,
    prohibited,
  );
  expect(ended).toMatchObject({ code: 0, stdout: '{"status":"denied","reason":"EACCES"}\ndenied\n', stderr: '' });
  expect(ended.durationMs).toBeLessThan(15_000);
});
