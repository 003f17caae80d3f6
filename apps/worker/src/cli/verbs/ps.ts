import { isProcessRegistryError } from '@cm/process-registry';
import { createProcessTable, type ProcessRow, type ProcessTable } from '@cm/process-table';
import { type ProcessView, ROUTES, type SessionView } from '../../contract/index.js';
import { type LeftProcess, leftOnRecord } from '../../supervisor/left-on-record.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { type Connection, connect } from '../connect.js';
import { bytes, duration, plain, type TreeNode, tree } from '../format.js';
import { restartLabel } from '../restart-label.js';
import { CommandError, EXIT, type Terminal } from '../terminal.js';

const nest = (
  rows: readonly ProcessRow[],
  commandOf: (row: ProcessRow) => string,
  parent: number,
): readonly TreeNode[] =>
  rows
    .filter(({ ppid, identity }) => ppid === parent && identity.pid !== parent)
    .map((row) => ({
      label: `${row.identity.pid} ${commandOf(row)}`,
      children: nest(rows, commandOf, row.identity.pid),
    }));

/** In the words of people: what is on record, and what has become of it. */
const BECAME: Readonly<Record<LeftProcess['liveness'], string>> = {
  alive: 'alive',
  dead: 'gone',
  reused: 'gone, its pid is another’s',
  unknown: 'cannot be identified',
};

const statusOf = (view: ProcessView | LeftProcess): string =>
  'liveness' in view ? BECAME[view.liveness] : view.status;

const processNode = (
  view: ProcessView | LeftProcess,
  listing: readonly ProcessRow[],
  commandOf: (row: ProcessRow) => string,
): TreeNode => {
  const members = listing.filter(({ identity }) => view.members.includes(identity.pid));
  const leader = view.pid ?? 0;
  const below = nest(members, commandOf, leader);
  const attached = new Set(members.map(({ identity }) => identity.pid));
  // Members whose parent is outside the scope: re-parented, and still ours.
  const loose = members.filter(
    ({ ppid, identity }) => identity.pid !== leader && !attached.has(ppid) && ppid !== leader,
  );
  const strays = loose.map((row) => ({
    label: `${row.identity.pid} ${commandOf(row)} (left its parent)`,
    children: nest(members, commandOf, row.identity.pid),
  }));
  const command = plain([view.command, ...view.args].join(' '), 120);
  const { usage } = view;
  const used = usage === undefined ? '' : ` (${bytes(usage.memoryBytes)}, ${duration(usage.cpuMs / 1000)} CPU)`;
  const again = restartLabel(view, Date.now());
  return {
    label: `${plain(view.name)} [${statusOf(view)}] ${leader} ${command}${used}${again === '' ? '' : `, ${again}`}`,
    children: [...below, ...strays],
  };
};

/** What is shown, whoever told it. */
interface Snapshot {
  readonly heading: string;
  /** By the worker's word; without one nobody knows their states. */
  readonly sessions: readonly Pick<SessionView, 'id' | 'state'>[] | undefined;
  readonly processes: readonly (ProcessView | LeftProcess)[];
}

const askProcesses = async (connection: Connection): Promise<Pick<Snapshot, 'processes'>> => {
  const { processes } = (await connection.call({ route: ROUTES.listProcesses, query: '?usage=1' })) as {
    processes: ProcessView[];
  };
  return { processes };
};

const askSessions = async (connection: Connection): Promise<Pick<Snapshot, 'sessions'>> => {
  const { sessions } = (await connection.call({ route: ROUTES.listSessions })) as { sessions: SessionView[] };
  return { sessions };
};

const draw = async ({ heading, sessions, processes }: Snapshot, table: ProcessTable): Promise<string> => {
  const listing = await table.list();
  const members = new Set(processes.flatMap((view) => view.members));
  const commands = new Map<number, string>();
  for (const row of listing) {
    if (!members.has(row.identity.pid)) continue;
    const args = await table.commandLine(row.identity);
    commands.set(row.identity.pid, plain(args.join(' ') || row.command, 120));
  }
  const commandOf = (row: ProcessRow): string => commands.get(row.identity.pid) ?? row.command;
  const states = new Map(sessions?.map(({ id, state }): [string, string] => [id, ` (${state})`]));
  const otherwise = sessions === undefined ? '' : ' (ended)';
  const ids = new Set([...states.keys(), ...processes.map(({ sessionId }) => sessionId)]);
  const nodes = [...ids].map((id) => ({
    label: `session ${plain(id)}${states.get(id) ?? otherwise}`,
    children: processes
      .filter(({ sessionId }) => sessionId === id)
      .map((view) => processNode(view, listing, commandOf)),
  }));
  return nodes.length === 0 ? 'no sessions' : [heading, ...tree(nodes)].join('\n');
};

/** Every session with its processes, and what those have started, as a tree. Where no worker answers, what the last one left on record. */
export const ps = async (options: CommonOptions, terminal: Terminal): Promise<number> => {
  const dataDirectory = dataDirectoryOf(options, terminal);
  const table = createProcessTable();
  const print = async (snapshot: Snapshot): Promise<void> => {
    const { processes } = snapshot;
    terminal.print(options.json === true ? JSON.stringify({ processes }) : await draw(snapshot, table));
  };
  let connection: Connection;
  try {
    connection = await connect(dataDirectory);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === EXIT.held) throw error;
    const heading =
      error.exitCode === EXIT.notRunning ? 'no worker; on record' : 'the worker does not answer; on record';
    try {
      const { processes } = await leftOnRecord(dataDirectory, table);
      if (processes.length > 0 || options.json === true) await print({ heading, sessions: undefined, processes });
    } catch (reason) {
      if (!isProcessRegistryError(reason)) throw reason;
      terminal.complain(`cm-worker: ${plain(reason.message)}`);
    }
    throw error;
  }
  const { processes } = await askProcesses(connection);
  // JSON has no place for them.
  const { sessions } = options.json === true ? { sessions: undefined } : await askSessions(connection);
  await print({ heading: `worker ${connection.record.pid}`, sessions, processes });
  return EXIT.done;
};
