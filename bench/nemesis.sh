#!/bin/sh
# Runs the built platform's real processes under a load of results, breaks what they run on, and checks that nothing is
# lost and nothing is doubled: docs/nemesis.md. About ten minutes; with --short two to three; or only the rows that are
# named. Traffic stays on loopback. As root everything runs in namespaces of its own, so that no process and no mount
# stays behind, whatever happens.
# usage: bench/nemesis.sh [--built] [--short] [--keep] [--rate N] [--seed N] [F1|F2|...]...
#   --built  takes target/debug/historia as it is; --keep  keeps history, logs and data also when all is well
set -eu
cd "$(dirname "$0")/.."
binary=target/debug/historia
if [ "${1:-}" = --built ]; then shift; else cargo build --quiet --package historia; fi
cargo build --quiet --manifest-path bench/Cargo.toml --package nemesis

# Clocks are made to jump with Debian's libfaketime; without it that row says that it is left out.
faketime() { ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; }
if [ "$(id -u)" = 0 ] && ! faketime && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends faketime; } \
    >/dev/null 2>&1 || true
fi

# Pulsar's jars are fetched by the platform itself, once.
home=${HISTORIA_PULSAR_HOME:-$([ "$(id -u)" = 0 ] && echo /var/cache || echo "${XDG_CACHE_HOME:-$HOME/.cache}")/historia/pulsar}
if ! ls "$home"/*/files >/dev/null 2>&1; then
  fetch=$(mktemp -d /tmp/historia-fetch.XXXXXX)
  chmod 755 "$fetch"
  "$binary" up --broker pulsar --port 0 --data-dir "$fetch/data" --url-file "$fetch/url" >"$fetch/log" 2>&1 &
  up=$!
  trap 'kill -INT $up 2>/dev/null || true; wait $up || true; rm -rf "$fetch"' EXIT
  while [ ! -s "$fetch/url" ]; do
    kill -0 "$up" 2>/dev/null || { cat "$fetch/log"; exit 1; }
    sleep 0.2
  done
  kill -INT "$up" && wait "$up" || true
  rm -rf "$fetch"
  trap - EXIT
fi

alone=""
if [ "$(id -u)" = 0 ] && unshare --mount --pid --fork --kill-child --mount-proc true 2>/dev/null; then
  alone="unshare --mount --pid --fork --kill-child --mount-proc"
fi
export NEMESIS_ALONE="${alone:+1}"
# shellcheck disable=SC2086 # words of a command
exec $alone bench/target/debug/nemesis "$binary" "$@"
