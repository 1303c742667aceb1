//! The order of a tree: each event right after its cause, with what it caused below it.
use super::TracedEvent;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The events in the order of the tree, with their depths; what has no cause among them is at the top, the earliest
/// first.
pub(super) fn ordered(mut events: Vec<TracedEvent>) -> Vec<TracedEvent> {
    events.sort_by(|one, other| {
        (&one.event.at, one.event.service, one.event.version).cmp(&(
            &other.event.at,
            other.event.service,
            other.event.version,
        ))
    });
    let here: BTreeMap<Uuid, usize> =
        events.iter().enumerate().map(|(index, event)| (event.event.event_id, index)).collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); events.len()];
    let mut tops = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match event.event.causation_id.and_then(|cause| here.get(&cause)) {
            Some(&cause) if cause != index => below[cause].push(index),
            _ => tops.push(index),
        }
    }
    let mut places: Vec<Option<(usize, usize)>> = vec![None; events.len()];
    let mut next = 0;
    // Events that cause each other, which only damage brings about, hang below no top: the earliest is one, then.
    for top in tops.into_iter().chain(0..events.len()) {
        let mut waiting = vec![(top, 0)];
        while let Some((index, depth)) = waiting.pop() {
            if places[index].is_none() {
                places[index] = Some((next, depth));
                next += 1;
                waiting.extend(below[index].iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    let mut placed: Vec<(usize, TracedEvent)> = events
        .into_iter()
        .zip(places)
        .map(|(event, place)| {
            let (place, depth) = place.unwrap_or_default();
            (place, TracedEvent { depth, ..event })
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, event)| event).collect()
}
