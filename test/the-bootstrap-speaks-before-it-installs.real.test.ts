import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Finished, runToEnd } from '../tools/testing/real-process.js';

const script = fileURLToPath(new URL('../scripts/run.cjs', import.meta.url));

/** Without a PATH nothing can be installed: whatever it does here, it does before that. */
const bootstrap = (task: readonly string[], node: readonly string[] = []): Promise<Finished> =>
  runToEnd(process.execPath, [...node, ...(node.length === 0 ? [script] : []), ...task], { env: { PATH: '' } });

/** Runs the script as a Node of another version would see itself. */
const asNode = (version: string): readonly string[] => [
  '-e',
  `Object.defineProperty(process, 'version', { value: '${version}' });
   process.argv.splice(1, 0, ${JSON.stringify(script)});
   require(${JSON.stringify(script)});`,
];

describe('scripts/run.cjs', () => {
  test.each(['v0.12.18', 'v6.17.1', 'v16.0.0', 'v18.20.8', 'v20.18.3', 'nonsense'])(
    'tells Node %s what it needs, in one line',
    async (version) => {
      const { code, stdout, stderr } = await bootstrap(['test'], asNode(version));
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe(`This repository needs Node 20.19 or newer; this is ${version}.\n`);
    },
  );

  test.each(['v20.19.0', 'v22.0.0', 'v100.0.0'])('lets Node %s pass', async (version) => {
    // An unknown task is the first thing it looks at once the version will do.
    expect(await bootstrap(['nonsense'], asNode(version))).toMatchObject({ code: 2 });
  });

  test.each(['nonsense', '', 'constructor', '__proto__'])(
    'refuses the unknown task %j in one line that names the known ones',
    async (task) => {
      const { code, stdout, stderr } = await bootstrap([task]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toBe(
        `unknown task ${JSON.stringify(task)}: one of bench, build, chaos, check, demo, soak, test, test:long\n`,
      );
    },
  );

  test('refuses to guess a task', async () => {
    expect(await bootstrap([])).toMatchObject({ code: 2, stdout: '' });
  });

  test.each(['chaos', 'soak'])('says that %s is not in this version, and installs nothing for it', async (task) => {
    const { code, stdout, stderr } = await bootstrap([task]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${task}: .*in this version\\n$`));
  });
});
