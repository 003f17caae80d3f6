import { eventId } from '@cm/worker/contract';
import type { HostEvent } from './adapters/index.js';
import { hashText } from './hash-text.js';

/** The worker takes ids of at most 1,024 characters; the time of the event still has to fit. */
const LONGEST_KEY = 960;

const keyOf = (parts: readonly unknown[]): string => {
  // JSON keeps the parts apart whatever is in them.
  const key = JSON.stringify(parts);
  return key.length <= LONGEST_KEY ? key : JSON.stringify([hashText(key), key.length]);
};

/** The id of an event: the same in every copy of one hook (a plugin's and a settings file's both run). */
export const idOfEvent = (
  { toolUseId, cause, agentId, stopHookActive }: HostEvent,
  { sessionId, event, text, at }: { sessionId: string; event: string; text: string; at: Date },
): string =>
  toolUseId === undefined
    ? eventId(keyOf([sessionId, event, cause, agentId, stopHookActive, hashText(text)]), at, false)
    : eventId(keyOf([sessionId, toolUseId, event]), at, true);
