//! What is there: read from the services' databases as their owner, past all services.
use crate::checker::{Notification, Observed, SagaEvent};
use crate::postgres::Postgres;
use crate::stage::{SERVICES, Stage};
use platform::Failure;
use std::collections::BTreeSet;

/// Everything the checker wants to know, but what lies on the broker.
pub fn observe(stage: &Stage, poison: &BTreeSet<String>) -> Result<Observed, Failure> {
    let database = &stage.postgres;
    let results = "select e.stream_id, coalesce(s.number::text, '') from event e
        left join result_summary_v1 s on s.result_id = e.stream_id where e.type_id = 1";
    let results = database.query("historia_results", results)?;
    let notifications =
        database.query("historia_notifications", "select id, source_event, state from notification_v1")?;
    let saga = "select id, coalesce(event_type, ''), state, coalesce(aggregate::text, ''),
        coalesce(causation_id::text, '') from saga_event_v1";
    let saga = database.query("historia_saga_log", saga)?;
    let (mut torn, mut dead_letters) = (Vec::new(), Vec::new());
    for (_, name) in SERVICES {
        let database_name = format!("historia_{name}");
        let broken = "select coalesce(s.stream_id, e.stream_id) from stream s full join
            (select stream_id, max(version) as last, count(*) as events from event group by stream_id) e
            on s.stream_id = e.stream_id where s.version is distinct from e.last or e.events is distinct from e.last";
        torn.extend(
            database.query(&database_name, broken)?.into_iter().map(|row| format!("{name}: {}", row.join(" "))),
        );
        let letters = database.query(&database_name, "select consumer, event_id from dead_letter")?;
        dead_letters.extend(letters.iter().map(|row| (column(row, 0), column(row, 1))));
    }
    Ok(Observed {
        results: results.iter().map(|row| (column(row, 0), column(row, 1).parse().ok())).collect(),
        torn,
        notifications: notifications
            .iter()
            .map(|row| Notification { id: column(row, 0), source_event: column(row, 1), state: column(row, 2) })
            .collect(),
        saga: saga
            .iter()
            .map(|row| SagaEvent {
                id: column(row, 0),
                kind: column(row, 1),
                state: column(row, 2),
                aggregate: column(row, 3),
                causation: column(row, 4),
            })
            .collect(),
        dead_letters,
        mails: stage.mail.taken(),
        published: None,
        poison: poison.clone(),
    })
}

fn column(row: &[String], index: usize) -> String {
    row.get(index).cloned().unwrap_or_default()
}

/// What is still missing until everybody was told of everything that happened and nobody owes an answer; `None` when
/// nothing is.
pub fn missing(database: &Postgres, poison: &BTreeSet<String>) -> Result<Option<String>, Failure> {
    let created = "select count(*) from event where type_id = 1";
    let results = database.number("historia_results", created)?;
    let expected = database.number("historia_users", created)? + results;
    let seen = database.number("historia_results", "select count(*) from result_summary_v1")?;
    let unsent = database
        .number("historia_notifications", "select count(*) from notification_v1 where state not in ('sent', 'dead')")?;
    let poison: Vec<String> = poison.iter().map(|id| format!("'{id}'")).collect();
    let without_poison =
        if poison.is_empty() { String::new() } else { format!("and id not in ({})", poison.join(",")) };
    let counts = format!(
        "select count(*) filter (where state = 'RECEIVED'), count(*) filter (where event_type is null {without_poison}),
            count(*) filter (where event_type in ('ResultCreated', 'UserCreated') {without_poison}),
            count(*) filter (where event_type = 'NotificationSent') from saga_event_v1"
    );
    let counts = database.query("historia_saga_log", &counts)?;
    let counts = counts.first().ok_or("no row")?;
    let whole = [0, 0, expected, expected].map(|count| count.to_string());
    if *counts == whole && seen == results && unsent == 0 {
        return Ok(None);
    }
    Ok(Some(format!(
        "results {results}, shown {seen}, unsent {unsent}; in the saga log: owed {}, unknown {}, created {} of {expected}, \
         sent {} of {expected}",
        column(counts, 0),
        column(counts, 1),
        column(counts, 2),
        column(counts, 3)
    )))
}

/// Whether everybody was told of each of these results.
pub fn told(database: &Postgres, results: &[String]) -> Result<bool, Failure> {
    if results.is_empty() {
        return Ok(true);
    }
    let listed: Vec<String> = results.iter().map(|id| format!("'{id}'")).collect();
    let count = format!(
        "select count(distinct created.aggregate) from saga_event_v1 created
            join saga_event_v1 sent on sent.causation_id = created.id
            where created.event_type = 'ResultCreated' and created.state = 'PROCESSED'
                and sent.event_type = 'NotificationSent' and sent.state = 'PROCESSED'
                and created.aggregate in ({})",
        listed.join(",")
    );
    Ok(usize::try_from(database.number("historia_saga_log", &count)?)? == results.len())
}
