type Write = (details: Readonly<Record<string, unknown>>, message: string) => void;

/** What the supervisor says to whoever reads logs. pino fits. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

const nothing: Write = () => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
