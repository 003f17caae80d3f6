export interface ProbeFailure {
  readonly status: 'refused' | 'denied' | 'failed';
  /** The error's code where it has one, else its message. */
  readonly reason: string;
}

/** What an error while asking means for whoever asked. */
export const classifyFailure = (error: unknown): ProbeFailure => {
  if (!(error instanceof Error)) return { status: 'failed', reason: String(error) };
  const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  if (reason === 'ECONNREFUSED') return { status: 'refused', reason };
  if (reason === 'EACCES' || reason === 'EPERM') return { status: 'denied', reason };
  return { status: 'failed', reason };
};
