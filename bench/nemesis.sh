#!/bin/sh
# Runs the built platform's real processes under load, breaks what they run on, and checks that nothing is lost and
# nothing is doubled: docs/nemesis.md. About ten minutes; with --short under three; or only the rows that are named.
# Traffic stays on loopback. As root everything runs in namespaces of its own, so that no process and no mount stays
# behind, whatever happens to it.
# usage: bench/nemesis.sh [--short] [--rate N] [--seed N] [F1|F2|...]...
set -eu
cd "$(dirname "$0")/.."
binary=target/debug/historia
cargo build --quiet
cargo build --quiet --manifest-path bench/Cargo.toml --package nemesis
alone=
if [ "$(id -u)" = 0 ] && unshare --mount --pid --fork --kill-child --mount-proc true 2>/dev/null; then
  alone="unshare --mount --pid --fork --kill-child --mount-proc"
fi
export NEMESIS_ALONE="${alone:+1}"
exec $alone bench/target/debug/nemesis "$binary" "$@"
