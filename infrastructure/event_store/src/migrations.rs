//! The tables of the store itself. A service's own migrations are numbered from 1001 and run after these.

/// Version, name and SQL of every migration, in order.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "events", include_str!("../../../migrations/event_store/0001_events.sql")),
    (2, "projections", include_str!("../../../migrations/event_store/0002_projections.sql")),
    (3, "messages", include_str!("../../../migrations/event_store/0003_messages.sql")),
    (4, "grants", include_str!("../../../migrations/event_store/0004_grants.sql")),
    (5, "pause", include_str!("../../../migrations/event_store/0005_pause.sql")),
    (6, "rebuilds", include_str!("../../../migrations/event_store/0006_rebuilds.sql")),
    (7, "anchors", include_str!("../../../migrations/event_store/0007_anchors.sql")),
    (8, "beside", include_str!("../../../migrations/event_store/0008_beside.sql")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_and_leave_those_from_1001_to_the_services() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|(version, _, _)| *version).collect();
        assert!(versions.is_sorted_by(|earlier, later| earlier < later), "{versions:?}");
        assert!(versions.iter().all(|version| (1..1000).contains(version)));
    }
}
