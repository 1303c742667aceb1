# $1: the directory of the tests' server. Stops it when nobody has used it for ten seconds,
# or as soon as nobody uses it when a file `stop` is there.
# $2: the file with its process id; $3: the path that its command line has; $4: the signal that stops it;
# the rest: what is thrown away then, as patterns. All paths are below $1.
cd -P "$1" || exit 0
pid_file=$2 known_by=$3 signal=$4
shift 4

in_use() {
  for user in users/*; do
    [ -e "$user" ] || continue
    kill -0 "${user##*/}" 2>/dev/null && return 0
    rm -f "$user"
  done
  return 1
}

server() {
  # Only a process that was started on our files is ours.
  pid=$(head -n 1 "$pid_file" 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -F "$PWD/$known_by"
}

unused=0
while :; do
  sleep 1
  if in_use; then unused=0; continue; fi
  unused=$((unused + 1))
  [ "$unused" -ge 10 ] || [ -e stop ] || continue
  echo $$ >stopping
  if in_use; then rm -f stopping; unused=0; continue; fi
  if server; then
    kill -"$signal" "$pid"
    while server; do sleep 0.1; done
  fi
  # The words are patterns.
  # shellcheck disable=SC2048,SC2086
  rm -rf $*
  rm -f guardian stop stopping
  exit 0
done
