import { createRequire } from 'node:module';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const namespace = 'builtins';
const load = createRequire(import.meta.url);

const namesIn = (path: string): string[] => Object.keys(load(path)).filter((name) => /^[a-z]\w*$/i.test(name));

/** Every name of a built-in module as an export of its own, which esbuild drops where nobody uses it. */
const source = (path: string, take: string): string =>
  [
    take,
    ...namesIn(path)
      .filter((name) => name !== 'default')
      .map((name) => `const _${name} = /* @__PURE__ */ take('${name}'); export { _${name} as ${name} };`),
  ].join('\n');

/**
 * Makes the functions of the listed built-in modules load their module at their first call. The hot path calls none of them,
 * and loading `node:crypto` alone costs 0.1 to 0.3 of a bare start. A lazily imported file of ours would do the same, but
 * esbuild wraps and keeps whole what is imported that way: 0.7 kB more (gzip) in a bundle that may have 12.
 *
 * The other built-in modules are required once, instead of once in every file that imports them.
 */
export const lazyBuiltins = (lazy: readonly string[]): Plugin => ({
  name: 'lazy-builtins',
  setup: (build) => {
    build.onResolve({ filter: /^node:/ }, ({ path, namespace: importer }) =>
      importer === namespace ? undefined : { path, namespace, sideEffects: false },
    );
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: lazy.includes(path)
        ? source(path, `const take = (name) => (...given) => require('${path}')[name](...given);`)
        : source(path, `const whole = /* @__PURE__ */ require('${path}'); const take = (name) => whole[name];`),
    }));
  },
});
