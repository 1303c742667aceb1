//! What was done past the gateway is told by whoever runs: a line in the log and a counter, once for each record.
//!
//! The service that decides on keys looks for it, since its vault is connected to the database with the records.
use infra_runtime::Supervisor;
use infra_vault::break_glass::{self, BreakGlassRecord};
use sqlx::PgPool;
use std::time::Duration;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks for new records in the database of the keys, until everything stops.
pub(super) fn watch(supervisor: &Supervisor, keys: PgPool) {
    supervisor.spawn("users: break-glass alarms", move |stop| {
        let keys = keys.clone();
        Box::pin(async move {
            loop {
                break_glass::tell_untold(&keys, tell).await?;
                if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
                    return Ok(());
                }
            }
        })
    });
}

/// Who it was and why is in the record: `historia keys break-glass` shows it.
fn tell(record: &BreakGlassRecord) {
    metrics::counter!("historia_break_glass_total", "what" => record.what.clone()).increment(1);
    tracing::warn!(
        code = "break_glass",
        break_glass.id = %record.id,
        break_glass.what = record.what,
        "something was done past the gateway"
    );
}
