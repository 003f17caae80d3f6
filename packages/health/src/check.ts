/** What a check found. No secret belongs in any of it: reports are printed, logged and sent. */
export interface CheckResult {
  readonly status: 'pass' | 'warn' | 'fail';
  /** What was found, in one sentence. */
  readonly detail: string;
  /** What the reader can do about it. */
  readonly fix?: string;
}

/** One question about the state of things. */
export interface Check {
  readonly id: string;
  /** Answers, or gives up when the signal aborts. A throw or a rejection counts as a `fail`. */
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>;
}

export interface CheckReport extends CheckResult {
  readonly id: string;
}
