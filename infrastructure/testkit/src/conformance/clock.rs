//! The suite of [`domain_kernel::ports::Clock`].
use domain_kernel::ports::Clock;
use std::collections::HashSet;
use std::sync::Arc;

/// Every rule of the port, on fresh clocks.
///
/// # Panics
/// When a rule does not hold.
pub async fn clock(make: impl AsyncFn() -> Arc<dyn Clock>) {
    ids_are_of_version_7(&*make().await);
    later_ids_sort_after_earlier_ones(&*make().await);
    an_id_is_never_given_out_twice(&make().await);
}

fn ids_are_of_version_7(clock: &dyn Clock) {
    assert_eq!(clock.unique_id().get_version_num(), 7, "ids are of version 7");
}

fn later_ids_sort_after_earlier_ones(clock: &dyn Clock) {
    let ids: Vec<_> = (0..5_000).map(|_| clock.unique_id()).collect();
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "later ids sort after earlier ones");
}

fn an_id_is_never_given_out_twice(clock: &Arc<dyn Clock>) {
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..2_000).map(|_| clock.unique_id()).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a clock does not panic")).collect()
    });
    let different: HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "an id is never given out twice, whichever thread asks");
}
