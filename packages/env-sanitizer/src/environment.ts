/** Variables by name. `undefined` means "not set", as in `process.env` copies and in the options of `spawn`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvOptions {
  /**
   * The platform whose rules for names hold, in Node's spelling. On `win32` names are compared without regard to ASCII
   * case; everywhere else, and by default, case counts. Pass `process.platform` for this machine's rule.
   */
  readonly platform?: string;
}
