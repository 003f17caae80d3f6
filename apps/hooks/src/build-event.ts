import type { SpooledEvent } from '@cm/worker/contract';
import type { HostEvent } from './adapters/index.js';
import { idOfEvent } from './event-key.js';
import { readStat } from './read-stat.js';

/** The session of an event that names none. */
export const UNKNOWN_SESSION = 'unknown';

export interface EventParts {
  readonly event: string;
  readonly agent: string;
  readonly at: Date;
  readonly host: HostEvent;
  readonly payload: unknown;
  readonly truncated: boolean;
  /** What copies of this event have in common to the letter: the text of stdin. */
  readonly text: string;
}

/** Puts an event together as it lies in the spool. Reads one small file: the start token of the owner, where there is one. */
export const buildEvent = ({ event, agent, at, host, payload, truncated, text }: EventParts): SpooledEvent => {
  const sessionId = host.sessionId ?? UNKNOWN_SESSION;
  const ownerStartToken = host.ownerPid === undefined ? undefined : readStat(host.ownerPid)?.startToken;
  return {
    id: idOfEvent(host, { sessionId, event, text, at }),
    event,
    sessionId,
    agent,
    at: at.toISOString(),
    ...(host.ownerPid === undefined ? {} : { ownerPid: host.ownerPid }),
    ...(ownerStartToken === undefined ? {} : { ownerStartToken }),
    ...(truncated ? { truncated } : {}),
    payload,
  };
};
