//! For tests only: a database per test, in-memory ports, conformance suites.
//!
//! [`memory`] has a version of every port that keeps the port's rules without a database; [`conformance`] has one suite
//! per port, run on every implementation; [`postgres`] gives each test a database of its own on a server that all test
//! executables of a run share, [`pulsar`] a namespace of its own on one broker; [`tls`] makes certificates. Nothing here is
//! ever part of a program.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

pub mod conformance;
pub mod interception;
pub mod memory;
pub mod postgres;
pub mod pulsar;
mod resources;
mod shared;
pub mod tls;
pub mod tokens;
mod wait;

pub use resources::{SharedPorts, resources, resources_on};
pub use wait::wait_for;
