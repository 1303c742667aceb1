# syntax=docker/dockerfile:1
# One image for every process of the platform: `docker build --tag historia:0.1.0 .`; the subcommand says which one it is.
FROM rust:1.95.0-slim-bookworm AS build
# The image's own compiler, not one that rust-toolchain.toml would have fetched with tools that no build needs.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cargo build --release --locked --package historia && install -D target/release/historia /built/historia

FROM debian:12.12-slim
# Volumes that are mounted here begin with these owners and modes: secrets are refused when others may read them.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/historia /var/lib/historia/secrets \
    /var/lib/historia/secrets/operator /var/lib/historia/secrets/postgres /var/lib/historia/secrets/broker \
    /var/lib/historia/secrets/users /var/lib/historia/secrets/results /var/lib/historia/secrets/notifications \
    /var/lib/historia/secrets/saga_log /var/lib/historia/secrets/bff /run/historia /run/historia/secrets
COPY --from=build /built/historia /usr/local/bin/historia
USER 65532:65532
ENV HISTORIA_LOG_JSON=true
ENTRYPOINT ["/usr/local/bin/historia"]
CMD ["--help"]
