#!/bin/sh
# Builds the measuring program in release, then prints the figures. Traffic stays on loopback.
# usage: bench/messages.sh [MESSAGES]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet --manifest-path bench/Cargo.toml --package messages
exec bench/target/release/messages "$@"
