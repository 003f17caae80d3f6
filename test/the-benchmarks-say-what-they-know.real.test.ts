import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Finished, runToEnd } from '../tools/testing/real-process.js';

const script = fileURLToPath(new URL('../benchmarks/bench.mjs', import.meta.url));
const bench = (...args: string[]): Promise<Finished> => runToEnd(process.execPath, [script, ...args], {});

describe('the benchmarks', () => {
  test('--help names each of them and measures nothing', async () => {
    const { code, stdout } = await bench('--help');
    expect(code).toBe(0);
    for (const id of ['B1', 'B2', 'B3', 'B4', 'B5', 'B6', 'B7', 'B9', 'B14'])
      expect(stdout).toContain(`  ${id.padEnd(5)}`);
  });

  test.each([['B0'], ['B1', 'nonsense'], ['constructor'], ['--nonsense'], ['--quick', '--full']])(
    'refuse %s %s in one line',
    async (...args) => {
      const { code, stdout, stderr } = await bench(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^bench: [^\n]+\n$/);
    },
  );
});
