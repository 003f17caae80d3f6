import { Command, CommanderError, Option } from 'commander';
import { CONTAINMENTS, SettingsError } from '../settings/settings.js';
import { verb } from './common-options.js';
import { plain } from './format.js';
import { CommandError, EXIT, type Terminal } from './terminal.js';
import { doctor } from './verbs/doctor.js';
import { events } from './verbs/events.js';
import { exec } from './verbs/exec.js';
import { ps } from './verbs/ps.js';
import { recover } from './verbs/recover.js';
import { restart } from './verbs/restart.js';
import type { RunOptions } from './verbs/run.js';
import { end, sessions } from './verbs/sessions.js';
import { start } from './verbs/start.js';
import { status } from './verbs/status.js';
import { stop } from './verbs/stop.js';

/** Verbs of the contract that this version does not have yet. */
const LATER = ['logs', 'install-hooks', 'uninstall-hooks', 'token', 'forget', 'purge', 'list', 'dashboard'] as const;

const HELP = `
Examples:
  cm-worker start                                   start the worker, or find it running
  cm-worker exec --session s1 --create -- npx my-mcp-server
                                                    run a server that ends with session s1
  cm-worker ps                                      what runs, by session
  cm-worker end s1                                  end session s1 and everything in it
  cm-worker doctor                                  what is wrong, and what to do about it
  cm-worker stop                                    stop everything

Exit codes: 0 done · 1 failed · 2 usage · 3 not running · 4 held by another`;

const containment = (): Option =>
  new Option('--containment <tier>', 'how processes are held (default: auto)').choices([...CONTAINMENTS]);

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

interface Outcome {
  code: number;
}

const build = (terminal: Terminal, outcome: Outcome): Command => {
  const done =
    <A extends unknown[]>(action: (...args: [...A, Terminal]) => Promise<number>) =>
    async (...given: [...A, Command]): Promise<void> => {
      const args = given.slice(0, -1) as unknown as A;
      outcome.code = await action(...args, terminal);
    };

  const program = new Command('cm-worker')
    .description('One local worker: sessions, their processes and their events.')
    .version(terminal.version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', HELP)
    .helpCommand(false);
  const add = (command: Command): Command => {
    program.addCommand(command);
    return command;
  };

  add(verb('run', 'run the worker in the foreground, for systemd and containers'))
    .addOption(containment())
    .addOption(new Option('--daemon').hideHelp())
    // Loaded only here: the server and its libraries are most of the file, and every other verb is a client.
    .action(done(async (options: RunOptions, on: Terminal) => (await import('./verbs/run.js')).run(options, on)));
  add(verb('start', 'start the worker detached; returns when it is ready'))
    .addOption(containment())
    .action(done(start));
  add(verb('stop', 'stop the worker and everything it runs'))
    .option('--force', 'kill at once, and end a worker that does not answer')
    .action(done(stop));
  add(verb('restart', 'stop the worker, start this version of it, and verify that it is the one that runs'))
    .addOption(containment())
    .action(done(restart));
  add(verb('status', 'is it there, is it well, is it capturing?')).action(done(status));
  add(verb('doctor', 'what is wrong, why, and what to do; works with the worker down')).action(done(doctor));
  add(verb('ps', 'what runs, as a tree by session')).action(done(ps));
  add(verb('sessions', 'list sessions'))
    .option('--all', 'also those that ended within the last 24 hours')
    .action(done(sessions));
  add(verb('end', 'end a session and everything in it')).argument('<session>').action(done(end));
  add(verb('events', 'what hooks reported, oldest first')).argument('[session]').action(done(events));
  add(verb('recover', 'end what a killed worker left behind, without starting one'))
    .option('--once', 'look once, and leave')
    .action(done(recover));
  add(verb('exec', 'run a command inside a session; ends with it'))
    .requiredOption('--session <id>', 'the session')
    .option('--create', 'create the session when there is none')
    .option('--name <name>', 'the name of the process in its session')
    .option('--type <type>', 'what kind of process it is, for lists')
    .option('--env <name=value>', 'set a variable; may be repeated', collect)
    .option('-d, --detach', 'let the worker run it; prints the row')
    .addOption(
      new Option(
        '--restart <policy>',
        'with --detach: permanent: whatever its end; transient: after a failure; temporary: never',
      ).choices(['temporary', 'transient', 'permanent']),
    )
    .argument('<command...>')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  cm-worker exec --session s1 --create -- node server.js --stdio')
    .action(done(exec));
  for (const name of LATER) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .argument('[anything...]')
      .action(() => {
        throw new CommandError(EXIT.failed, `"${name}" is not in this version`);
      });
  }
  return program;
};

/** commander's own words, with the way out. */
const usage = ({ message }: CommanderError): string =>
  `${message.replace(/^error: /, '').replace(/\.$/, '')}: see cm-worker --help`;

const MOST_CHARACTERS = 1000;

/** What an error says, on one line and safe for a terminal: names in it may come from anywhere. */
const complaint = (message: string): string =>
  `cm-worker: ${plain(message.replace(/\s*\n\s*/g, ' '), MOST_CHARACTERS)}`;

/** Runs one command line to its end and returns the exit code. Every failure is one line on standard error. */
export const runProgram = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const outcome: Outcome = { code: EXIT.done };
  const program = build(terminal, outcome);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: () => {},
      outputError: () => {},
    });
  }
  try {
    if (args.length === 0) {
      terminal.complain('cm-worker: say what to do: see cm-worker --help');
      return EXIT.usage;
    }
    await program.parseAsync([...args], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      terminal.complain(complaint(usage(error)));
      return EXIT.usage;
    }
    terminal.complain(complaint(error instanceof Error ? error.message : String(error)));
    if (error instanceof CommandError) return error.exitCode;
    return error instanceof SettingsError ? EXIT.usage : EXIT.failed;
  }
};
