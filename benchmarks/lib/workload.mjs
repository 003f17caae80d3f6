/** Long enough for every benchmark, short enough to be gone by itself should everything else fail. */
const SLEEP_SECONDS = 900;

const wide = 'i=0; while [ "$i" -lt "$1" ]; do sleep "$2" & i=$((i+1)); done; wait';
const chain = 'if [ "$1" -gt 1 ]; then /bin/sh -c "$3" sh "$(($1-1))" "$2" "$3" & else sleep "$2" & fi; wait';
/** An ignored signal stays ignored in everything that is started. */
const deaf = (script, ignoring) => (ignoring ? `trap '' TERM; ${script}` : script);

/**
 * Real processes under one leader, as `/bin/sh` starts them: `size` of them side by side, or each below the one before.
 * `sleeps` and `shells` tell when all of them run.
 */
export const workload = ({ shape, size, ignoring }) =>
  shape === 'wide'
    ? { args: ['-c', deaf(wide, ignoring), 'sh', `${size}`, `${SLEEP_SECONDS}`], sleeps: size, shells: 1 }
    : {
        args: ['-c', deaf(chain, ignoring), 'sh', `${size}`, `${SLEEP_SECONDS}`, deaf(chain, ignoring)],
        sleeps: 1,
        shells: size,
      };

/** One process without children. */
export const single = ({ ignoring }) => ['-c', deaf(`exec sleep ${SLEEP_SECONDS}`, ignoring), 'sh'];

/** Whether everything has been started, and every fork has become what it is to be. */
export const isUp = (processes, { sleeps, shells }) =>
  processes.length === sleeps + shells && processes.filter(({ command }) => command === 'sleep').length === sleeps;
