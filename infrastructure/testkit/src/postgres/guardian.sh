# $1: the directory of the tests' server. Stops it when nobody has used it for ten seconds,
# or as soon as nobody uses it when a file `stop` is there.
cd "$1" || exit 0

in_use() {
  for user in users/*; do
    [ -e "$user" ] || continue
    kill -0 "${user##*/}" 2>/dev/null && return 0
    rm -f "$user"
  done
  return 1
}

server() {
  # Only a process that was started on our data is ours.
  pid=$(head -n 1 cluster/data/postmaster.pid 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -F "$PWD/cluster/data"
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
    kill -QUIT "$pid"
    while server; do sleep 0.1; done
  fi
  rm -rf cluster databases given-*
  rm -f guardian stop stopping
  exit 0
done
