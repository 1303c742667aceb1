//! The gateway before services that only pretend: four small ones on loopback, protected as the real ones are.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "bff/admission.rs"]
mod admission;
#[path = "bff/browser.rs"]
mod browser;
#[path = "bff/composed.rs"]
mod composed;
#[path = "bff/documents.rs"]
mod documents;
#[path = "bff/erasures.rs"]
mod erasures;
#[path = "bff/forwarding.rs"]
mod forwarding;
#[path = "bff/health.rs"]
mod health;
#[path = "bff/operations.rs"]
mod operations;
#[path = "bff/operator_pages.rs"]
mod operator_pages;
#[path = "bff/own_password.rs"]
mod own_password;
#[path = "bff/saga.rs"]
mod saga;
#[path = "bff/sign_in.rs"]
mod sign_in;
#[path = "bff/support.rs"]
mod support;
#[path = "bff/upstreams.rs"]
mod upstreams;
