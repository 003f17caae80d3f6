import { defineConfig, type ViteUserConfig } from 'vitest/config';

const conditions = ['@cm/source', 'node', 'import', 'module', 'default'];

const tier = (name: string, include: string[], exclude: string[], options: Record<string, unknown>): object => ({
  extends: true,
  test: { name, include, exclude, ...options },
});

/**
 * Two tiers. `*.test.ts` is fast and touches no other process; `*.real.test.ts` starts real processes,
 * one file at a time so that a loaded machine does not turn a deadline into a verdict.
 */
export const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    passWithNoTests: false,
    restoreMocks: true,
    projects: [
      tier('fast', ['test/**/*.test.ts'], ['test/**/*.real.test.ts'], {}),
      tier('real', ['test/**/*.real.test.ts'], [], {
        testTimeout: 30_000,
        hookTimeout: 30_000,
        fileParallelism: false,
      }),
    ],
  },
});
