import type { Options } from 'tsup';
import { library } from '../../tsup.shared.ts';
import { lazyBuiltins } from './lazy-builtins.ts';

const config: Options[] = [
  { ...library({ index: 'src/index.ts' }), clean: false },
  {
    // The hook, in one small CommonJS file that runs wherever it is copied: every event pays for its bytes.
    entry: { 'cm-hook': 'src/main.ts' },
    format: ['cjs'],
    outExtension: () => ({ js: '.cjs' }),
    target: 'node20',
    platform: 'node',
    noExternal: [/.*/],
    removeNodeProtocol: false,
    esbuildPlugins: [lazyBuiltins(['node:child_process', 'node:crypto', 'node:http', 'node:net'])],
    esbuildOptions: (options) => {
      options.conditions = ['@cm/source', 'node', 'require', 'default'];
    },
    minify: true,
    sourcemap: false,
    clean: false,
    banner: { js: '#!/usr/bin/env node' },
  },
];

export default config;
