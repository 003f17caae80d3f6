// The directions of imports, as rules. Each comment is the reason; `docs/` has the house they belong to.
// Types count: an import of a type is a dependency of the published declarations.

const src = (room) => `^${room}/src/`;
const anyRoom = '^(packages|apps)/[^/]+/';

/** Nothing from a source file of `room` to another workspace package, except to the paths given. */
const onlyTo = (name, comment, from, allowed, more = {}) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, ...more },
  to: { path: anyRoom, pathNot: allowed },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other can be neither read nor tested alone.',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'An import that resolves to nothing escapes every other rule here.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['^vitest(/|$)'] },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'What a package does not declare is missing where it is installed alone.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'src-is-not-built-on-tests',
      comment: 'Tests, tools, examples and benchmarks are not published; what is published cannot lean on them.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { path: ['^(tools|test|examples|benchmarks|scripts)/', '^(packages|apps)/[^/]+/test/'] },
    },
    {
      name: 'no-testing-entry-in-src',
      comment: 'The fake process table is for tests: a daemon that believed it would signal nobody.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/', pathNot: '^packages/process-table/src/testing\\.ts$' },
      to: { path: '^packages/process-table/src/testing\\.ts$' },
    },
    onlyTo(
      'process-table-imports-no-sibling',
      'Everything else leans on it, so it leans on nothing.',
      src('packages/process-table'),
      '^packages/process-table/',
    ),
    onlyTo(
      'domain-packages-import-the-process-table-only',
      'Registry rows, claims and scopes reach each other as plain values, mapped by the supervisor: each of the three is usable alone.',
      '^packages/(pid-file|process-registry|shutdown-cascade)/src/',
      ['^packages/$1/', '^packages/process-table/'],
    ),
    onlyTo(
      'env-sanitizer-and-health-import-no-sibling',
      'Third parties use them alone; health takes what it checks as parameters.',
      '^packages/(env-sanitizer|health)/src/',
      '^packages/$1/',
    ),
    {
      name: 'env-sanitizer-is-pure',
      comment: 'Environment in, environment out: it also runs where there is no Node.',
      severity: 'error',
      from: { path: src('packages/env-sanitizer') },
      to: { dependencyTypes: ['core'] },
    },
    onlyTo(
      'worker-never-imports-hooks',
      'The hooks are clients of the worker; the other way round the daemon would depend on one agent.',
      src('apps/worker'),
      ['^packages/', '^apps/worker/'],
    ),
    onlyTo(
      'hooks-import-client-pieces-only',
      'A hook hands an event over and leaves: no server, no supervisor, no process table in its bundle or its start-up time.',
      src('apps/hooks'),
      [
        '^apps/hooks/',
        '^apps/worker/src/client/index\\.ts$',
        '^apps/worker/src/contract/index\\.ts$',
        '^packages/pid-file/src/read\\.ts$',
        '^packages/env-sanitizer/src/index\\.ts$',
      ],
    ),
    onlyTo(
      'client-imports-client-pieces-only',
      'Whoever reaches the daemon must not load it.',
      '^apps/worker/src/client/',
      [
        '^apps/worker/src/(client|contract)/',
        '^packages/pid-file/src/(read|lock)\\.ts$',
        '^packages/health/src/client\\.ts$',
        '^packages/env-sanitizer/src/index\\.ts$',
      ],
    ),
    onlyTo(
      'contract-imports-nothing',
      'Both sides agree on it, so it belongs to neither. The PID file is part of it: its types may be named.',
      '^apps/worker/src/contract/',
      ['^apps/worker/src/contract/', '^packages/pid-file/src/read\\.ts$'],
    ),
    {
      name: 'contract-takes-only-types-of-the-pid-file',
      comment: 'Naming the record is agreement; reading the file is work, and work belongs to a side.',
      severity: 'error',
      from: { path: '^apps/worker/src/contract/' },
      to: { path: '^packages/pid-file/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'client-pieces-of-pid-file-need-no-process-table',
      comment:
        'A hook reads the PID file and a client takes the lock without an adapter for the operating system, types included.',
      severity: 'error',
      from: { path: '^packages/pid-file/src/(read|lock)\\.ts$' },
      to: { path: '^packages/process-table/', reachable: true },
    },
    {
      name: 'tree-kill-only-in-the-cascade',
      comment:
        'It is the Windows path of the shutdown cascade, a peer in the benchmarks, and nothing else: elsewhere it would signal without proof of identity.',
      severity: 'error',
      from: { pathNot: [src('packages/shutdown-cascade'), '^benchmarks/peers/'] },
      to: { path: 'node_modules/tree-kill/' },
    },
    {
      name: 'benchmarks-measure-what-is-public',
      comment: 'What is measured is what a user gets: the entry points, as they are built.',
      severity: 'error',
      from: { path: '^benchmarks/' },
      to: {
        path: '^(packages|apps)/[^/]+/src/',
        pathNot: ['^packages/[^/]+/src/index\\.ts$', '^apps/worker/src/(client|contract)/index\\.ts$'],
      },
    },
    {
      name: 'examples-use-what-is-public',
      comment: 'An example shows what a user can do, and a user has the entry points only.',
      severity: 'error',
      from: { path: '^examples/' },
      to: {
        path: '^(packages|apps)/[^/]+/(src|dist)/',
        pathNot: [
          '^(packages|apps)/[^/]+/src/(index|client|read|lock|journal|testing)\\.ts$',
          '^apps/worker/src/(client|contract)/index\\.ts$',
          '^(packages|apps)/[^/]+/dist/',
        ],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.turbo|\\.vitest)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      // As in tsconfig.base.json: a sibling is its source.
      conditionNames: ['@cm/source', 'import', 'require', 'node', 'types', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
