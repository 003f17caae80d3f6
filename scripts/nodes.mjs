import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The Nodes that the packages promise to run on. */
export const MAJORS = [20, 22, 24, 26];

/**
 * The directory of the newest Node of a major version, for the front of a PATH. Installed from npm's `node` package into a cache folder: as
 * a dependency of the workspace its `node` would shadow the one that everything else runs on.
 */
export const nodeDirectory = (cache, major) => {
  const home = join(cache, `node-${major}`);
  const directory = join(home, 'only-node');
  if (existsSync(join(directory, 'node'))) return directory;
  mkdirSync(home, { recursive: true });
  const args = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', [...args, `node@npm:node@${major}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Node ${major} could not be installed: ${stderr.trim()}`);
  // Its `.bin` may hold more than Node.
  mkdirSync(directory, { recursive: true });
  symlinkSync(join(home, 'node_modules', 'node', 'bin', 'node'), join(directory, 'node'));
  return directory;
};
