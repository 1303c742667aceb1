//! For tests only: a database per test, in-memory ports, conformance suites.
