import { ROUTES, type SessionView, type StopReport } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { connect } from '../connect.js';
import { plain, table } from '../format.js';
import { EXIT, type Terminal } from '../terminal.js';

export interface SessionsOptions extends CommonOptions {
  readonly all?: boolean;
}

export const sessions = async (options: SessionsOptions, terminal: Terminal): Promise<number> => {
  const connection = await connect(dataDirectoryOf(options, terminal));
  const body = (await connection.call({ route: ROUTES.listSessions, query: options.all === true ? '?all=1' : '' })) as {
    sessions: SessionView[];
  };
  if (options.json === true) terminal.print(JSON.stringify(body));
  else if (body.sessions.length === 0) terminal.print('no sessions');
  else {
    terminal.print(
      table(
        ['SESSION', 'STATE', 'AGENT', 'OWNER', 'PROCESSES', 'SINCE'],
        body.sessions.map(({ id, state, agent, owner, processes, createdAt }) => [
          plain(id),
          state,
          plain(agent ?? '–'),
          owner === null ? '–' : `${owner.pid} ${plain(owner.command ?? '')}`,
          String(processes),
          createdAt,
        ]),
      ),
    );
  }
  return EXIT.done;
};

/** Ends a session and everything in it; says what became of each process. */
export const end = async (id: string, options: CommonOptions, terminal: Terminal): Promise<number> => {
  const connection = await connect(dataDirectoryOf(options, terminal));
  terminal.progress(`ending session ${plain(id)} …`);
  const report = (await connection.call({
    route: ROUTES.endSession,
    parameters: { id },
    timeoutMs: 60_000,
  })) as StopReport;
  if (options.json === true) terminal.print(JSON.stringify(report));
  else {
    const rows = report.targets.map(({ id: row, pid, outcome, members, durationMs }) => [
      row,
      String(pid),
      outcome,
      String(members.length),
      `${Math.round(durationMs)} ms`,
    ]);
    terminal.print(
      report.targets.length === 0
        ? `session ${plain(id)} ended; it had no processes`
        : `session ${plain(id)} ended\n${table(['ROW', 'PID', 'OUTCOME', 'MEMBERS', 'TOOK'], rows)}`,
    );
    if (!report.ok) {
      terminal.complain(
        `still alive: ${report.survivors.map(({ pid }) => pid).join(', ') || 'unknown'}: see cm-worker doctor`,
      );
    }
  }
  return report.ok ? EXIT.done : EXIT.failed;
};
