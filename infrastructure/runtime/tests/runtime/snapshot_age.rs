//! A transaction that stays open is seen.
use crate::scratch::{LIMIT, cluster, superuser};
use infra_runtime::{Supervisor, metrics, snapshot_age};
use infra_testkit::wait_for;

fn age(figures: &str) -> Option<f64> {
    figures.lines().find_map(|line| line.strip_prefix("historia_snapshot_age_seconds ")?.parse().ok())
}

#[tokio::test]
async fn a_transaction_that_stays_open_is_seen_by_its_age() {
    let (cluster, _directory) = cluster().await;
    let pool = superuser(&cluster).await;
    let figures = metrics::install().unwrap();
    let supervisor = Supervisor::new();
    let mut open = pool.begin().await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *open).await.unwrap();
    // Reading alone takes no transaction id and holds back nobody.
    let take_id = "select pg_current_xact_id()";
    sqlx::query(take_id).execute(&mut *open).await.unwrap();
    // Somebody who is held back: began later, has ended already.
    sqlx::query(take_id).execute(&pool).await.unwrap();
    snapshot_age::watch(pool.clone(), &supervisor);
    wait_for("the open transaction to grow old", LIMIT, async || age(&figures.render()).filter(|age| *age > 0.0)).await;
    open.commit().await.unwrap();
    wait_for("the age to fall", LIMIT, async || age(&figures.render()).filter(|age| *age == 0.0)).await;
    supervisor.stop().await;
    cluster.stop().await.unwrap();
}
