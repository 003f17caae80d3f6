import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { config } from '../../vitest.shared.ts';

const projects = (config.test?.projects ?? []).map((project) =>
  typeof project === 'object' && 'test' in project && project.test?.name === 'real'
    ? {
        ...project,
        // Real tests run the built bundle; this builds it where it is missing or old. Each runs it many times.
        test: { ...project.test, globalSetup: 'test/support.ts', testTimeout: 90_000, hookTimeout: 60_000 },
      }
    : project,
);

const own: ViteUserConfig = defineConfig({ ...config, test: { ...config.test, projects } });

export default own;
