#!/bin/sh
# Builds the platform and the measuring program in release, then prints the figures. Traffic stays on loopback.
# usage: bench/latency.sh [RATE [SECONDS]]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo build --release --quiet --manifest-path bench/Cargo.toml --package latency
exec bench/target/release/latency target/release/historia "$@"
