// One session of an agent, from its first hook to its last, on the payloads that the real Claude Code CLI sends.
// This program plays the agent: it is the parent of the hooks and the owner of the session.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, startServer } from './commands.mjs';
import { processesOf, until } from './processes.mjs';
import { createStory } from './story.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const cmWorker = join(root, 'apps', 'worker', 'dist', 'cm-worker.js');
const cmHook = join(root, 'apps', 'hooks', 'dist', 'cm-hook.cjs');
const require = createRequire(import.meta.url);

const chosen = process.env.CM_DATA_DIR;
if (chosen) mkdirSync(chosen, { recursive: true, mode: 0o700 });
const dataDirectory = realpathSync(chosen || mkdtempSync(join(tmpdir(), 'cm-demo-')));

// Whoever reads this may go away; the session still has to be ended.
process.stdout.on('error', () => {});
const story = createStory((line) => process.stdout.write(`${line}\n`));
story.line(`data directory: ${dataDirectory}`);

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

const fixture = (event) => JSON.parse(readFileSync(join(here, 'fixtures', `${event}.json`), 'utf8'));
const sessionId = fixture('SessionStart').stdin.session_id;
const cancelled = new AbortController();
const ownEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([key]) => !/^(CM_|CLAUDE)/.test(key) && key !== 'NODE_EXTRA_CA_CERTS'),
);
const environment = {
  ...ownEnvironment,
  CM_DATA_DIR: dataDirectory,
  CM_WORKER_PORT: String(await freePort()),
};

const worker = async (...args) => {
  const result = await runCommand(process.execPath, [cmWorker, ...args], { env: environment });
  if (result.code !== 0)
    throw new Error(`cm-worker ${args[0]} exited with ${result.code}: ${result.stderr || result.stdout}`);
  return result.stdout;
};
const ask = async (...args) => JSON.parse(await worker(...args, '--json'));

let hooks = 0;
/** Fires one hook as the host does: its environment, its payload on standard input. */
const fire = async (event) => {
  const { env, stdin } = fixture(event);
  const startedAt = performance.now();
  const result = await runCommand(process.execPath, [cmHook, event], {
    env: { ...environment, ...env },
    input: JSON.stringify(stdin),
  });
  hooks += 1;
  const clean = result.code === 0 && result.stdout === '' && result.stderr === '';
  if (!clean) throw new Error(`the hook of ${event} was noticed: ${JSON.stringify(result)}`);
  story.detail(`${event.padEnd(16)} exit 0, silent, ${Math.round(performance.now() - startedAt)} ms`);
};

const packageFile = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** Starts a real MCP server inside the session, attached to this program, and has it answer an `initialize`. */
const serve = async (name, command) => {
  const server = startServer(
    process.execPath,
    [cmWorker, 'exec', '--session', sessionId, '--name', name, '--type', 'mcp-server', '--', ...command],
    { env: environment, signal: cancelled.signal },
  );
  const { result } = await server.request(1, 'initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'cm-demo', version: '1' },
  });
  story.detail(`${name} answered initialize: ${result.serverInfo.name} ${result.serverInfo.version}`);
  return server;
};

const session = async () => (await ask('sessions', '--all')).sessions.find(({ id }) => id === sessionId);

/** The kinds of events on record: a data directory that was used before has older ones too. */
const onRecord = async () => new Set((await ask('events', sessionId)).events.map(({ event }) => event));

const play = async () => {
  story.step('the agent starts: its SessionStart hook finds no worker and starts one, detached');
  await fire('SessionStart');
  const { pid, port } = await ask('status');
  story.detail(`worker ready: pid ${pid}, http://127.0.0.1:${port}`);
  const { owner } = await until('the session has an owner', async () => {
    const found = await session();
    return found?.owner ? found : undefined;
  });
  story.detail(`session ${sessionId}, owned by pid ${owner.pid} (this program, in the agent's place)`);

  story.step('two real MCP servers start in the session, one of them behind a shell');
  const everything = packageFile('@modelcontextprotocol/server-everything', 'dist/index.js');
  const filesystem = packageFile('@modelcontextprotocol/server-filesystem', 'dist/index.js');
  const servers = await Promise.all([
    serve('everything', [process.execPath, everything, 'stdio']),
    serve('filesystem', ['/bin/sh', '-c', '"$0" "$@"; exit $?', process.execPath, filesystem, here]),
  ]);

  story.step('the agent works: prompt, tool, answer');
  for (const event of ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'Stop']) await fire(event);
  await until('every event is on record', async () => (await onRecord()).size >= 5);

  story.step('the process tree before the end');
  story.detail(await worker('ps'));
  const before = processesOf(dataDirectory);
  story.detail(`\nand what /proc shows of this data directory, unasked:`);
  story.detail(before.join('\n'));

  story.step('the doctor');
  story.detail(await worker('doctor'));

  story.step('the agent leaves: its SessionEnd hook has the session reaped');
  await fire('SessionEnd');
  const ended = await until('the session has ended', async () => {
    const found = await session();
    return found.state === 'ended' && found;
  });
  await Promise.all(servers.map(({ exited }) => exited));
  story.detail(await worker('end', sessionId));
  story.detail(`ended by: ${ended.endReason}`);

  story.step('the process tree after the end');
  story.detail(await worker('ps'));
  const own = (line) => line.startsWith(`${pid} `) || line.includes(' cm-guardian ');
  const left = processesOf(dataDirectory).filter((line) => !own(line));
  if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
  story.detail('nothing is left but the worker and its guardian');

  story.step('what the worker has on record');
  const kinds = await onRecord();
  story.detail(await worker('events', sessionId));
  if (kinds.size !== 6) throw new Error(`only ${[...kinds].join(', ')} are on record`);

  story.step('the worker stops');
  story.detail(await worker('stop'));
  const remains = await until('nothing remains', async () => processesOf(dataDirectory).length === 0);
  story.detail(remains ? 'no process of this data directory is left' : '');
  return before.length - 1;
};

const cleanUp = async () => {
  cancelled.abort();
  await worker('stop', '--force').catch(() => {});
  if (!chosen) rmSync(dataDirectory, { recursive: true, force: true });
};

const interrupt = (signal) => {
  story.line(`\n${signal}: stopping the worker`);
  void cleanUp().then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
};
process.once('SIGINT', interrupt);
process.once('SIGTERM', interrupt);

try {
  const stopped = await play();
  story.line(
    `\nsummary: ${hooks} hooks, all silent, every event on record · 2 MCP servers and everything they had started, gone with their session (${stopped} processes) · nothing left · ${story.seconds().trim()}`,
  );
  await cleanUp();
} catch (error) {
  story.line(`\nthe demo failed: ${error.message}`);
  story.line(`the data directory is kept for a look: ${dataDirectory} (cm-worker doctor --data-dir ${dataDirectory})`);
  cancelled.abort();
  await worker('stop', '--force').catch(() => {});
  process.exitCode = 1;
}
