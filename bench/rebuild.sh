#!/bin/sh
# Builds the platform and the measuring program in release, then folds a read model of a large log anew, killed at 10, 50
# and 90 %, while results are filed; ends with an error when a request failed or the rows are not those of a fresh fold.
# About five minutes with a million events. Traffic stays on loopback.
# usage: bench/rebuild.sh [EVENTS [RATE]]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo build --release --quiet --manifest-path bench/Cargo.toml --package rebuild
exec bench/target/release/rebuild target/release/historia "$@"
