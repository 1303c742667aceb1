//! The system's clock keeps the port's rules.
use domain_kernel::ports::Clock;
use infra_runtime::SystemClock;
use std::sync::Arc;

#[tokio::test]
async fn the_systems_clock_passes_the_suite() {
    infra_testkit::conformance::clock(async || Arc::new(SystemClock::new()) as Arc<dyn Clock>).await;
}
