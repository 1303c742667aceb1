//! Figures, in Prometheus' text format.
use crate::Supervisor;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of every histogram, in seconds: from a cached read to a mail server's patience.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often old samples are folded into their histograms; without it they would pile up until somebody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Everything that the process counts.
#[derive(Clone)]
pub struct MetricsHandle(PrometheusHandle);

impl MetricsHandle {
    /// The figures in Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps memory flat while nobody asks.
    pub fn keep_up(&self, supervisor: &Supervisor) {
        let handle = self.0.clone();
        supervisor.spawn("metrics", move |stop| {
            let handle = handle.clone();
            Box::pin(async move {
                while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
                    handle.run_upkeep();
                }
                Ok(())
            })
        });
    }
}

/// Why the figures cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be recorded: another recorder is installed in this process")]
pub struct MetricsError(#[source] metrics_exporter_prometheus::BuildError);

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The figures of this process; `None` when nobody counts.
#[must_use]
pub fn installed() -> Option<MetricsHandle> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner).clone().map(MetricsHandle)
}

/// Starts counting; once per process, later calls give the same figures.
///
/// # Errors
/// Somebody else's recorder is installed.
pub fn install() -> Result<MetricsHandle, MetricsError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(MetricsHandle(handle.clone()));
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(MetricsError)?;
    *installed = Some(handle.clone());
    Ok(MetricsHandle(handle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered_by_every_handle() {
        let first = install().unwrap();
        metrics::counter!("historia_metrics_test_total").increment(2);
        assert!(first.render().contains("historia_metrics_test_total 2"));
        assert!(install().unwrap().render().contains("historia_metrics_test_total 2"));
    }
}
