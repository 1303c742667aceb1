//! A logical copy in another cluster.
use super::fixture::{Fixture, appended, command, event, of, store, stream};
use domain_kernel::ports::{EventStore, StoreError};
use infra_event_store::{Adoption, PgEventStore, adopt, verify};

/// As after a restore: the events have transaction ids that this cluster has not given out yet. (The hash does not
/// cover them.)
async fn copied() -> (Fixture, domain_kernel::StreamId) {
    let (fixture, stream) = (store().await, stream());
    fixture.append(stream, b"before the move").await;
    fixture.store.close().await;
    fixture
        .tamper(
            "alter table event disable trigger event_append_only;
             update event set tx = (tx::text::bigint + 1000000000)::text::xid8;
             alter table event enable trigger event_append_only",
        )
        .await;
    (fixture, stream)
}

async fn open(fixture: &Fixture) -> Result<std::sync::Arc<PgEventStore>, StoreError> {
    PgEventStore::open(fixture.database.options.clone(), fixture.pool().clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_cluster_are_refused_until_they_are_adopted() {
    let (mut fixture, stream) = copied().await;
    let refused = open(&fixture).await.err();
    let Some(StoreError::Damaged { reason }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("historia db adopt"), "{reason}");
    assert_eq!(adopt(fixture.pool()).await, Ok(Adoption::Opened(2)));
    fixture.store = open(&fixture).await.unwrap();
    fixture.append(stream, b"after the move").await;
    let events = fixture.read_everything(2).await;
    assert_eq!(events.iter().map(|event| event.version.0).collect::<Vec<_>>(), [1, 2], "old events come first");
    assert_eq!(events[1].checkpoint.epoch, 2);
    assert!(verify::streams(fixture.pool(), |_| ()).await.unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_s_own_events_need_no_adoption() {
    let fixture = store().await;
    fixture.append(stream(), b"x").await;
    assert_eq!(adopt(fixture.pool()).await, Ok(Adoption::NotNeeded(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_slept_through_an_adoption_writes_nothing_more() {
    let (fixture, stream) = (store().await, stream());
    let head = fixture.append(stream, b"x").await;
    fixture.tamper("insert into epoch (number) values (2)").await;
    let outcome = fixture.store.append(of(stream, head, command([event(b"y")]))).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
    let reopened = open(&fixture).await.unwrap();
    appended(reopened.append(of(stream, head, command([event(b"y")]))).await);
}
