import { findWorker } from '../../client/index.js';
import { type DoctorBody, type HealthBody, ROUTES, workerUrl } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { connectionTo, PATIENCE_MS } from '../connect.js';
import { duration, plain } from '../format.js';
import { EXIT, type Terminal } from '../terminal.js';

/** Is it there, is it well, is it capturing? */
export const status = async (options: CommonOptions, terminal: Terminal): Promise<number> => {
  const dataDirectory = dataDirectoryOf(options, terminal);
  const found = await findWorker(dataDirectory, PATIENCE_MS);
  const json = options.json === true;
  if (found.status !== 'running') {
    const exit = { absent: EXIT.notRunning, elsewhere: EXIT.held, unreachable: EXIT.failed }[found.status];
    const state = found.status === 'absent' ? 'not running' : found.status;
    const hint = found.status === 'absent' ? 'start it with cm-worker start' : 'see cm-worker doctor';
    if (json) terminal.print(JSON.stringify({ status: state, reason: found.reason, dataDir: dataDirectory.path }));
    else terminal.print(`${state} (${found.reason}): ${hint}`);
    return exit;
  }
  const connection = connectionTo(found.record, dataDirectory);
  const health = (await connection.call({ route: ROUTES.health })) as HealthBody;
  const { spool, hooks, sessions, processes } = (await connection.call({ route: ROUTES.doctor })) as DoctorBody;
  const well = health.status === 'ok' && found.readiness === 'ready';
  if (json) {
    terminal.print(
      JSON.stringify({
        ...health,
        readiness: found.readiness,
        port: found.record.port,
        dataDir: dataDirectory.path,
        startedAt: found.record.startedAt,
        sessions: sessions.length,
        processes: processes.length,
        lastEventAt: hooks.lastEventAt,
        spoolDepth: spool.depth,
        lastHookError: hooks.lastError,
      }),
    );
  } else {
    terminal.print(
      [
        `worker      ${found.readiness} (${health.status}), version ${health.version}, pid ${health.pid}`,
        `address     ${workerUrl(found.record.port)}`,
        `data        ${dataDirectory.path}`,
        `uptime      ${duration(health.uptimeSeconds)}`,
        `sessions    ${sessions.length}, with ${processes.length} processes`,
        `last event  ${plain(hooks.lastEventAt ?? 'none yet')}`,
        `spool       ${spool.depth} waiting${spool.lastError === null ? '' : `; ${plain(spool.lastError)}`}`,
        `hooks       ${plain(hooks.lastError ?? 'no complaint')}`,
      ].join('\n'),
    );
  }
  return well ? EXIT.done : EXIT.failed;
};
