export interface HookCommand {
  readonly help: boolean;
  readonly agent: string;
  /** Undefined when none was given: the payload may still name it. */
  readonly event: string | undefined;
}

const DEFAULT_AGENT = 'claude-code';

export const USAGE: string = `Usage: cm-hook [--agent ${DEFAULT_AGENT}] EVENT  (JSON on stdin; exits 0, always)\n`;

/** `cm-hook [--agent NAME] EVENT`. Total: a flag that it does not know is passed over, for a hook never fails. */
export const parseArguments = (argv: readonly string[]): HookCommand => {
  let [help, agent] = [false, DEFAULT_AGENT];
  let event: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--help' || word === '-h') help = true;
    else if (word === '--agent') {
      index += 1;
      agent = argv[index] || agent;
    } else if (word.startsWith('--agent=')) agent = word.slice('--agent='.length) || agent;
    else if (!word.startsWith('-') && word !== '') event ??= word;
  }
  return { help, agent, event };
};
