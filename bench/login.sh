#!/bin/sh
# Builds the platform and the measuring program in release, then compares refused log-ins of known and of unknown names.
# Traffic stays on loopback.
# usage: bench/login.sh [PAIRS]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo build --release --quiet --manifest-path bench/Cargo.toml --package login
exec bench/target/release/login target/release/historia "$@"
