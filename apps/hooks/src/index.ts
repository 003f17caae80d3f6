export {
  type Adapter,
  adapterFor,
  claudeCodeAdapter,
  genericAdapter,
  type HostEvent,
  type HostInput,
} from './adapters/index.js';
export { type SendEventOptions, type SentEvent, sendEvent } from './send-event.js';
export type { Waking } from './start-detached.js';
