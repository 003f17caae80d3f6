import type { Options } from 'tsup';

/** How every library package is built: ESM and CommonJS, with types for both, readable output, nothing bundled in. */
export const library = (entry: Record<string, string>): Options => ({
  entry,
  format: ['esm', 'cjs'],
  dts: true,
  sourcemap: true,
  clean: true,
  splitting: true,
  target: 'node20',
  treeshake: true,
});
