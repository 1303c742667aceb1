//! From a producer's log to a consumer's stream, with what goes wrong on the way.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "messaging/bus.rs"]
mod bus;
#[path = "messaging/dead_letters.rs"]
mod dead_letters;
#[path = "messaging/gates.rs"]
mod gates;
#[path = "messaging/kills.rs"]
mod kills;
#[path = "messaging/lanes.rs"]
mod lanes;
#[path = "messaging/meters.rs"]
mod meters;
#[path = "messaging/postgres.rs"]
mod postgres;
#[path = "messaging/pulsar.rs"]
mod pulsar;
#[path = "messaging/pulsar_broker.rs"]
mod pulsar_broker;
#[path = "messaging/pulsar_foreign.rs"]
mod pulsar_foreign;
#[path = "messaging/pulsar_newer.rs"]
mod pulsar_newer;
#[path = "messaging/pulsar_support.rs"]
mod pulsar_support;
#[path = "messaging/relay.rs"]
mod relay;
#[path = "messaging/republish.rs"]
mod republish;
#[path = "messaging/runner.rs"]
mod runner;
#[path = "messaging/steps.rs"]
mod steps;
#[path = "messaging/support.rs"]
mod support;
