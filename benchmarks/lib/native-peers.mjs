/**
 * A peer with a native part is compiled for over a minute, and no dependency here runs an install script: it is installed only when asked for,
 * beside the dependencies, and missing otherwise.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markedEnvironment } from './mark.mjs';

const DIRECTORY = fileURLToPath(new URL('../../node_modules/.cache/peers', import.meta.url));
/** 13 ends with a segmentation fault on Node 20. */
const WANTED = { 'better-sqlite3': '12.11.1' };

const load = (name) => createRequire(join(DIRECTORY, 'package.json'))(name);

/** Its native part included. */
const works = (name) => {
  try {
    new (load(name))(':memory:').close();
    return true;
  } catch {
    return false;
  }
};

/** `{ value }`, or `{ skipped }` that says why there is none. */
export const nativePeer = (name) => {
  if (works(name)) return { value: load(name) };
  return { skipped: `${name} is not installed: npm run bench -- --native-peers compiles it` };
};

/** Installs what does not work yet. Rejects with the reason when it cannot be compiled. */
export const installNativePeers = async ({ say, signal }) => {
  const missing = Object.keys(WANTED).filter((name) => !works(name));
  if (missing.length === 0) return;
  say(`compiling ${missing.join(', ')}: a minute or two`);
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(
    join(DIRECTORY, 'package.json'),
    `${JSON.stringify({ private: true, dependencies: WANTED }, null, 2)}\n`,
  );
  const args = ['install', '--prefix', DIRECTORY, '--ignore-scripts=false', '--no-audit', '--no-fund'];
  const npm = spawn('npm', args, {
    cwd: DIRECTORY,
    env: markedEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  const said = [];
  npm.stderr.on('data', (chunk) => said.push(chunk));
  const [code] = await once(npm, 'close');
  const broken = missing.filter((name) => !works(name));
  if (code === 0 && broken.length === 0) return;
  throw new Error(`${missing.join(', ')} could not be installed:\n${Buffer.concat(said).toString('utf8').trim()}`);
};
