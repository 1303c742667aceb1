#!/bin/sh
# Builds the platform, the floor and the measuring program in release, fetches the load tool and the Flask service's
# packages once, all in pinned versions and under bench/target, then prints the table. Traffic stays on loopback.
# usage: bench/http.sh [--busy] [ROUNDS [SECONDS]]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo build --release --quiet --manifest-path bench/Cargo.toml --package http-path --package floor
# oha and not wrk: it waits for the answers that are due at the end, so what is acknowledged can be compared with what is
# stored. It does not build without TLS; of this tool alone aws-lc is a part, and it is not used.
[ "$(bench/target/oha/bin/oha --version 2>/dev/null)" = "oha 1.16.0" ] ||
  cargo install --quiet oha --version 1.16.0 --locked \
    --root bench/target/oha --target-dir bench/target/oha/build
cmp -s bench/flask/requirements.txt bench/target/flask/requirements.txt || {
  python3 -m venv --clear bench/target/flask
  bench/target/flask/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --requirement bench/flask/requirements.txt
  cp bench/flask/requirements.txt bench/target/flask/requirements.txt
}
exec bench/target/release/http-path target/release/historia "$@"
