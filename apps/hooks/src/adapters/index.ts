import type { Adapter } from './adapter.js';
import { claudeCodeAdapter } from './claude-code.js';
import { genericAdapter } from './generic.js';

export type { Adapter, HostEvent, HostInput } from './adapter.js';
export { claudeCodeAdapter } from './claude-code.js';
export { genericAdapter } from './generic.js';

/** The adapter of a host; a host without one of its own gets the generic one. */
export const adapterFor = (agent: string): Adapter => (agent === 'claude-code' ? claudeCodeAdapter : genericAdapter);
