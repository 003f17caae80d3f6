/**
 * What the guardian runs: POSIX shell, builtins only, so that nothing is started, looked up or allocated between the end of the worker and
 * the end of its children. It is told on its standard input, one line each:
 *
 * - `+ENTRY`: watch over this. `-ENTRY`: not any more. `.`: the worker leaves in order; so does the guardian.
 *
 * An entry is `c:DIRECTORY`, a cgroup, or `g:PID:TOKEN`, the process group of a leader with that start token. End of file means that the
 * worker is gone: everything on the list is killed, and whoever had left its group is left to `cm-worker recover --once`.
 *
 * The kernel closes the files of a process after it has given back its memory, which takes the longer the more it had. So where there is a
 * `setpriv`, the kernel is asked for a signal as well (PR_SET_PDEATHSIG, prctl(2)): it comes when the thread ends that started this. That
 * alone proves nothing; but a worker whose first thread is a zombie will not come back. SIGURG, because who does not trap it yet ignores it.
 *
 * A group is killed only while the process of its number still has the recorded start token (field 22 of `/proc/PID/stat`, counted from
 * the last `)`): as long as that lives, nobody else can have the number. dash takes `-9 -PID`, but not `-KILL -- -PID`.
 */
export const GUARDIAN_SCRIPT = `
unset CM_GUARDIAN_SCRIPT
node=$1 entry=$2 data=$3 worker=$4
set --
signalled=
look() {
  stat=
  while IFS= read -r text || [ -n "$text" ]; do stat="$stat $text"; done <"/proc/$1/stat"
}
nth() {
  shift "$1"
  field=$1
}
dying() {
  look self || return 1
  look "$worker" || return 0
  nth 1 \${stat##*) }
  [ "$field" = Z ] || [ "$field" = X ]
}
end() {
  trap '' URG
  for one do
    case $one in
      c:*) echo 1 >"\${one#c:}/cgroup.kill" ;;
    esac
  done
  for one do
    case $one in
      g:*)
        pid=\${one#g:}
        token=\${pid#*:}
        pid=\${pid%%:*}
        look "$pid" && nth 20 \${stat##*) } && [ "$field" = "$token" ] && kill -9 "-$pid"
        ;;
    esac
  done
  # Until all of the worker is gone: its claim goes with its files.
  while IFS= read -r line; do :; done
  [ -z "$entry" ] || exec "$node" "$entry" recover --once --data-dir "$data" >/dev/null 2>&1 </dev/null
  exit
}
exec 2>/dev/null
trap 'signalled=1' URG
while :; do
  if IFS= read -r line; then
    case $line in
      +*) set -- "$@" "\${line#+}" ;;
      -*)
        left=$#
        while [ "$left" -gt 0 ]; do
          [ "$1" = "\${line#-}" ] || set -- "$@" "$1"
          shift
          left=$((left - 1))
        done
        ;;
      .) exit 0 ;;
    esac
  elif [ -z "$signalled" ]; then
    end "$@"
  fi
  if [ -n "$signalled" ]; then
    signalled=
    if dying; then end "$@"; fi
  fi
done
`;

/** The variable that holds the script: in the arguments it would be all that `ps` shows. */
export const GUARDIAN_VARIABLE = 'CM_GUARDIAN_SCRIPT';

/** Puts `setpriv` in front of the script where it knows what is asked of it; BusyBox's does not. */
export const GUARDIAN_LAUNCHER: string = `run='eval "$${GUARDIAN_VARIABLE}"'
if setpriv --pdeathsig URG true 2>/dev/null; then exec setpriv --pdeathsig URG /bin/sh -c "$run" "$0" "$@"; fi
exec /bin/sh -c "$run" "$0" "$@"`;
