/** Kills writers at random moments, and reads what they leave. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { lostOf, parseSaid } from './acknowledged.mjs';
import { markedEnvironment, temporaryDirectory } from './mark.mjs';

const entry = fileURLToPath(new URL('./registry-writer.mjs', import.meta.url));
/** Enough for several compactions of ours. */
const WITHIN_MS = 60;
const START_MS = 20_000;

/** Starts a writer, and ends it at a random moment after its first acknowledged changes. */
const killWriter = async ({ peer, directory, seeds, said }) => {
  const args = [entry, peer, directory, String(seeds), said];
  const writer = spawn(process.execPath, args, { env: markedEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(writer, 'close');
  try {
    const began = once(writer.stdout, 'data', { signal: AbortSignal.timeout(START_MS) });
    await Promise.race([began, closed]);
    await pause(Math.random() * WITHIN_MS);
    if (writer.exitCode !== null) throw new Error(`the writer of ${peer} ended by itself (${writer.exitCode})`);
  } finally {
    writer.kill('SIGKILL');
    await closed;
  }
};

/** Makes the registry that every writer begins with: `{ driver, template, seeds }`. */
export const seedForWriters = async (driver, seeds) => {
  const template = mkdtempSync(join(temporaryDirectory(), 'seeded-'));
  await driver.call('begin', { directory: template, rows: seeds });
  await driver.call('shut');
  return { driver, template, seeds };
};

/** One kill: how many acknowledged rows are lost, and what reading had to complain of. */
export const tear = async ({ driver, template, seeds }) => {
  const place = mkdtempSync(join(temporaryDirectory(), 'torn-'));
  const [directory, said] = [join(place, 'registry'), join(place, 'said')];
  try {
    mkdirSync(directory);
    cpSync(template, directory, { recursive: true });
    await killWriter({ peer: driver.peer, directory, seeds, said });
    const { damage, statuses } = await driver.call('read', { directory });
    const acknowledged = parseSaid(readFileSync(said, 'utf8'));
    return { damage, lost: lostOf({ seeds, said: acknowledged, found: statuses }).length, changes: acknowledged.size };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
};
