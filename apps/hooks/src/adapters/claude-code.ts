import type { Adapter, HostEvent } from './adapter.js';
import { boundSessionId, pidFrom, present } from './fields.js';
import { readPayload } from './generic.js';

/**
 * Claude Code: `CLAUDE_PID` (2.1.214 and later) is the agent; before, the hook's parent is. `CLAUDE_CODE_SESSION_ID` stands in
 * for a session that the payload does not name. See code.claude.com/docs/en/hooks.
 */
export const claudeCodeAdapter: Adapter = {
  read: (input) => {
    const said = readPayload(input);
    const fromEnvironment = input.env.CLAUDE_CODE_SESSION_ID;
    return {
      ...said,
      ...present<HostEvent>({
        sessionId: said.sessionId ?? (fromEnvironment ? boundSessionId(fromEnvironment) : undefined),
        ownerPid: pidFrom(input.env.CLAUDE_PID) ?? pidFrom(input.parentPid),
      }),
    };
  },
  waitsForWorker: (event) => event === 'SessionStart',
};
