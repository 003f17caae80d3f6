import type { Adapter, HostEvent, HostInput } from './adapter.js';
import { boundSessionId, fieldsOf, idField, pidFrom, present, textField } from './fields.js';

/** What the payload itself says: the names that the hosts share, whichever of them called. */
export const readPayload = ({ payload, text }: HostInput): HostEvent => {
  const fields = fieldsOf(payload);
  const sessionId = idField(fields, 'session_id', text) ?? idField(fields, 'conversation_id', text);
  const { stop_hook_active: stopHookActive } = fields;
  return present<HostEvent>({
    event: textField(fields, 'hook_event_name'),
    sessionId: sessionId === undefined ? undefined : boundSessionId(sessionId),
    toolUseId: idField(fields, 'tool_use_id', text),
    cause: textField(fields, 'source') ?? textField(fields, 'reason'),
    agentId: idField(fields, 'agent_id', text),
    stopHookActive: typeof stopHookActive === 'boolean' ? stopHookActive : undefined,
  });
};

/** A host that nobody described: its parent is the owner, and nothing is ever printed. */
export const genericAdapter: Adapter = {
  read: (input) => ({ ...readPayload(input), ...present<HostEvent>({ ownerPid: pidFrom(input.parentPid) }) }),
  waitsForWorker: (event) => /^session_?start$/i.test(event),
};
