/**
 * Packs every public package as it would be published and examines the tarball: publint, attw, the files that a reader and
 * a `bin` need. What is wrong is said; exit 1 if anything is.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));
const READABLE = ['README.md', 'LICENSE'];

const run = (command, args, cwd) =>
  new Promise((done) => {
    const env = { ...process.env, PATH: join(ROOT, 'node_modules', '.bin') + delimiter + process.env.PATH };
    execFile(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      done({ ok: error === null, output: `${stdout}${stderr}`.trim() }),
    );
  });

const packages = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(ROOT, group))
    .sort()
    .map((name) => join(group, name))
    .filter((path) => existsSync(join(ROOT, path, 'package.json')))
    .filter((path) => JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')).private !== true),
);

/** What is wrong with the unpacked tarball itself, beside what the two tools know. */
const examine = (unpacked) => {
  const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));
  const problems = READABLE.filter((name) => !existsSync(join(unpacked, name))).map(
    (name) => `no ${name} in the tarball`,
  );
  for (const [name, file] of Object.entries(manifest.bin ?? {})) {
    const path = join(unpacked, file);
    if (!existsSync(path)) problems.push(`bin ${name}: ${file} is not in the tarball`);
    else if (!readFileSync(path, 'utf8').startsWith('#!/usr/bin/env node\n'))
      problems.push(`bin ${name}: no "#!/usr/bin/env node"`);
    else if ((statSync(path).mode & 0o111) === 0) problems.push(`bin ${name}: ${file} is not executable`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (range.startsWith('workspace:'))
      problems.push(`dependency ${name}: ${range} means nothing outside this repository`);
  }
  return problems;
};

const check = async (path, scratch) => {
  const packed = await run('pnpm', ['pack', '--pack-destination', scratch], join(ROOT, path));
  const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'));
  if (!packed.ok || tarball === undefined) return [`pnpm pack: ${packed.output}`];
  const file = join(scratch, tarball);
  const [unpacked, publint, attw] = await Promise.all([
    run('tar', ['-xzf', file, '-C', scratch]),
    run('publint', ['run', '--strict', file], ROOT),
    // node10 is left out: it knows no subpath exports, and no Node that this repository supports resolves that way.
    run(
      'attw',
      [
        '--profile',
        'node16',
        '--no-color',
        '--no-emoji',
        '--no-summary',
        '--no-definitely-typed',
        '--format',
        'ascii',
        file,
      ],
      ROOT,
    ),
  ]);
  if (!unpacked.ok) return [`tar: ${unpacked.output}`];
  return [
    ...examine(join(scratch, 'package')),
    ...(publint.ok ? [] : [`publint: ${publint.output}`]),
    ...(attw.ok ? [] : [`attw: ${attw.output}`]),
  ];
};

let wrong = 0;
for (const path of packages) {
  const scratch = mkdtempSync(join(tmpdir(), 'cm-pack-'));
  try {
    const problems = await check(path, scratch);
    wrong += problems.length;
    console.log(`${path}: ${problems.length === 0 ? 'ok' : ''}${problems.map((problem) => `\n  ${problem}`).join('')}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
process.exitCode = wrong === 0 ? 0 : 1;
