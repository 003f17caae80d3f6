/** What a host handed to its hook. */
export interface HostInput {
  /** The JSON value of stdin, or what was found of it. */
  readonly payload: unknown;
  /** The text it was read from: a number too large for JavaScript is still whole there. */
  readonly text: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parentPid: number;
}

/** What a host said, in the words of this system. What it did not say is absent. */
export interface HostEvent {
  readonly event?: string;
  readonly sessionId?: string;
  readonly ownerPid?: number;
  readonly toolUseId?: string;
  /** Why a session started or ended, and what else tells two events of one name apart. */
  readonly cause?: string;
  readonly agentId?: string;
  readonly stopHookActive?: boolean;
}

/** One host's habits. No adapter of this version prints: silence is right for every host and every event. */
export interface Adapter {
  read(input: HostInput): HostEvent;
  /** Whether the hook of this event waits until a worker is ready. */
  waitsForWorker(event: string): boolean;
}
