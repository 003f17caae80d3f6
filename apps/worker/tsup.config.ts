import { writeFileSync } from 'node:fs';
import type { Options } from 'tsup';
import { library } from '../../tsup.shared.ts';
import manifest from './package.json' with { type: 'json' };
import { PROTOCOL } from './src/contract/protocol.ts';

const define = { __CM_VERSION__: JSON.stringify(manifest.version) };

const config: Options[] = [
  {
    ...library({
      index: 'src/index.ts',
      'client/index': 'src/client/index.ts',
      'contract/index': 'src/contract/index.ts',
    }),
    define,
    clean: false,
  },
  {
    // The daemon and its command, in one CommonJS file that runs wherever it is copied.
    entry: { 'cm-worker': 'src/main.ts' },
    format: ['cjs'],
    outExtension: () => ({ js: '.js' }),
    target: 'node20',
    platform: 'node',
    noExternal: [/.*/],
    esbuildOptions: (options) => {
      options.conditions = ['@cm/source', 'node', 'require', 'default'];
    },
    define,
    sourcemap: false,
    clean: false,
    minify: true,
    splitting: false,
    banner: { js: '#!/usr/bin/env node' },
    onSuccess: async () => {
      writeFileSync('dist/cm-worker.json', `${JSON.stringify({ version: manifest.version, protocol: PROTOCOL })}\n`);
    },
  },
];

export default config;
