//! What caused what: the events of a saga as a tree, each below the one that caused it.
use super::SagaEvent;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One step of a walk through the tree, as a nested list is written.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// An event begins; below it come others.
    Enter(&'a SagaEvent),
    /// An event without any below it.
    Leaf(&'a SagaEvent),
    /// What was entered last ends.
    Leave,
}

/// The walk. An event whose cause is not among `events` (a request caused it, or it is too long ago) stands at the top.
pub(crate) fn walk(events: &[SagaEvent]) -> Vec<Step<'_>> {
    let known: BTreeSet<Uuid> = events.iter().map(|event| event.id).collect();
    let mut below: BTreeMap<Option<Uuid>, Vec<&SagaEvent>> = BTreeMap::new();
    for event in events {
        let cause = event.causation_id.filter(|cause| known.contains(cause) && *cause != event.id);
        below.entry(cause).or_default().push(event);
    }
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    // A stack and no recursion: how deep a saga is, somebody else decides.
    let mut open: Vec<std::vec::IntoIter<&SagaEvent>> = vec![below.remove(&None).unwrap_or_default().into_iter()];
    while let Some(siblings) = open.last_mut() {
        match siblings.next() {
            Some(event) if seen.insert(event.id) => match below.remove(&Some(event.id)) {
                Some(caused) => {
                    steps.push(Step::Enter(event));
                    open.push(caused.into_iter());
                }
                None => steps.push(Step::Leaf(event)),
            },
            Some(_) => {}
            None => {
                open.pop();
                if !open.is_empty() {
                    steps.push(Step::Leave);
                }
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::saga::timeline::tests::event;

    fn shape(events: &[SagaEvent]) -> String {
        let steps = walk(events);
        let text = steps.iter().map(|step| match step {
            Step::Enter(event) => format!("{}(", event.event_type),
            Step::Leaf(event) => format!("{} ", event.event_type),
            Step::Leave => ")".to_owned(),
        });
        text.collect()
    }

    #[test]
    fn every_event_stands_below_its_cause() {
        let events = [event(1, None, "A"), event(2, Some(1), "B"), event(3, Some(2), "C"), event(4, Some(1), "D")];
        assert_eq!(shape(&events), "A(B(C )D )");
    }

    #[test]
    fn an_event_whose_cause_is_not_there_stands_at_the_top() {
        assert_eq!(shape(&[event(1, Some(9), "A"), event(2, Some(1), "B")]), "A(B )");
        assert_eq!(shape(&[]), "");
    }
}
