import { type EventsBody, type RecordedEvent, ROUTES } from '../../contract/index.js';
import { type CommonOptions, dataDirectoryOf } from '../common-options.js';
import { connect } from '../connect.js';
import { plain, table } from '../format.js';
import { EXIT, type Terminal } from '../terminal.js';

const toolOf = ({ payload }: RecordedEvent): string =>
  typeof payload === 'object' && payload !== null && 'tool_name' in payload ? String(payload.tool_name) : '';

/** The timeline: what hooks reported, oldest first. */
export const events = async (
  session: string | undefined,
  options: CommonOptions,
  terminal: Terminal,
): Promise<number> => {
  const connection = await connect(dataDirectoryOf(options, terminal));
  const all: RecordedEvent[] = [];
  const filter = session === undefined ? '' : `&session=${encodeURIComponent(session)}`;
  for (let after = 0; ; after = all.at(-1)?.seq ?? after) {
    const page = (await connection.call({ route: ROUTES.listEvents, query: `?after=${after}${filter}` })) as EventsBody;
    all.push(...page.events);
    if (page.events.length === 0) break;
  }
  if (options.json === true) terminal.print(JSON.stringify({ events: all }));
  else if (all.length === 0) terminal.print('no events');
  else {
    terminal.print(
      table(
        ['SEQ', 'AT', 'SESSION', 'EVENT', 'TOOL'],
        all.map((event) => [
          String(event.seq),
          plain(event.at),
          plain(event.sessionId),
          plain(event.event),
          plain(toolOf(event)),
        ]),
      ),
    );
  }
  return EXIT.done;
};
