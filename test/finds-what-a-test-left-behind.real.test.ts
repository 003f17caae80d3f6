import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { leftBehind, MARK, reapLeftBehind } from '../scripts/left-behind.mjs';
import { eventually } from '../tools/testing/eventually.js';
import { startProcess } from '../tools/testing/real-process.js';

const onLinux = process.platform === 'linux';
if (!onLinux) console.warn('skipped: left-over processes are looked for on Linux only');

test.skipIf(!onLinux)('ends a marked process that left its parent and session, and nothing else', async () => {
  const mark = randomUUID();
  // The shell's child is re-parented and leads a session of its own.
  await using starter = await startProcess('sh', ['-c', 'setsid sleep 60 >/dev/null & echo $!'], {
    env: { ...process.env, [MARK]: mark },
  });
  const orphan = Number(await starter.line());
  await starter.exit;
  await using bystander = await startProcess('sleep', ['60'], { env: { ...process.env, [MARK]: randomUUID() } });
  await eventually('setsid to become sleep', () => leftBehind(mark).some(({ command }) => command === 'sleep 60'));
  expect(await reapLeftBehind(mark, 0)).toEqual([{ pid: orphan, command: 'sleep 60' }]);
  await eventually('its end', () => leftBehind(mark).length === 0);
  expect(bystander.child.exitCode).toBeNull();
});
