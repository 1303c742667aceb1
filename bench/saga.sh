#!/bin/sh
# Builds the platform and the measuring program in release, then prints the figures. Traffic stays on loopback.
# usage: bench/saga.sh [SECONDS [RATE]...]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo build --release --quiet --manifest-path bench/Cargo.toml --package saga
exec bench/target/release/saga target/release/historia "$@"
