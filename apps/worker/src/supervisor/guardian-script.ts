/**
 * What the guardian runs: POSIX shell, builtins only, so that nothing is started, looked up or allocated between the end of the worker and
 * the end of its children. It is told on its standard input, one line each:
 *
 * - `+ENTRY`: watch over this. `-ENTRY`: not any more. `.`: the worker leaves in order; so does the guardian.
 *
 * An entry is `c:DIRECTORY`, a cgroup, or `g:PID:TOKEN`, the process group of a leader with that start token. End of file means that the
 * worker is gone: everything on the list is killed, and whoever had left its group is left to `cm-worker recover --once`.
 *
 * A group is killed only while the process of its number still has the recorded start token (field 22 of `/proc/PID/stat`, counted from
 * the last `)`): as long as that lives, nobody else can have the number. dash takes `-9 -PID`, but not `-KILL -- -PID`.
 */
export const GUARDIAN_SCRIPT = `
node=$1 entry=$2 data=$3
set --
while IFS= read -r line; do
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
done
same() {
  shift 2
  [ "\${20}" = "$token" ]
}
for one do
  case $one in
    c:*) echo 1 >"\${one#c:}/cgroup.kill" ;;
  esac
done 2>/dev/null
for one do
  case $one in
    g:*)
      pid=\${one#g:}
      token=\${pid#*:}
      pid=\${pid%%:*}
      stat=
      while IFS= read -r line || [ -n "$line" ]; do stat="$stat $line"; done <"/proc/$pid/stat" && same . . \${stat##*) } && kill -9 "-$pid"
      ;;
  esac
done 2>/dev/null
[ -z "$entry" ] || exec "$node" "$entry" recover --once --data-dir "$data" >/dev/null 2>&1 </dev/null
`;
