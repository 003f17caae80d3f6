import { createProcessTable, type ProcessRow } from '@cm/process-table';
import { type ProcessView, ROUTES, type SessionView } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { connect } from '../connect.js';
import { bytes, duration, plain, type TreeNode, tree } from '../format.js';
import { restartLabel } from '../restart-label.js';
import { EXIT, type Terminal } from '../terminal.js';

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

const processNode = (
  view: ProcessView,
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
    label: `${plain(view.name)} [${view.status}] ${leader} ${command}${used}${again === '' ? '' : `, ${again}`}`,
    children: [...below, ...strays],
  };
};

/** Every session with its processes, and what those have started, as a tree. */
export const ps = async (options: CommonOptions, terminal: Terminal): Promise<number> => {
  const connection = await connect(dataDirectoryOf(options, terminal));
  const body = (await connection.call({ route: ROUTES.listProcesses, query: '?usage=1' })) as {
    processes: ProcessView[];
  };
  if (options.json === true) {
    terminal.print(JSON.stringify(body));
    return EXIT.done;
  }
  const { sessions } = (await connection.call({ route: ROUTES.listSessions })) as { sessions: SessionView[] };
  const processTable = createProcessTable();
  const listing = await processTable.list();
  const members = new Set(body.processes.flatMap((view) => view.members));
  const commands = new Map<number, string>();
  for (const row of listing) {
    if (!members.has(row.identity.pid)) continue;
    const args = await processTable.commandLine(row.identity);
    commands.set(row.identity.pid, plain(args.join(' ') || row.command, 120));
  }
  const commandOf = (row: ProcessRow): string => commands.get(row.identity.pid) ?? row.command;
  const known = sessions.map(({ id, state }) => ({ id, title: `session ${plain(id)} (${state})` }));
  const ids = new Set(known.map(({ id }) => id));
  const others = [...new Set(body.processes.map(({ sessionId }) => sessionId))].filter((id) => !ids.has(id));
  const nodes = [...known, ...others.map((id) => ({ id, title: `session ${plain(id)} (ended)` }))].map(
    ({ id, title }) => ({
      label: title,
      children: body.processes
        .filter(({ sessionId }) => sessionId === id)
        .map((view) => processNode(view, listing, commandOf)),
    }),
  );
  terminal.print(nodes.length === 0 ? 'no sessions' : [`worker ${connection.record.pid}`, ...tree(nodes)].join('\n'));
  return EXIT.done;
};
