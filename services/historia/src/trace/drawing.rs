//! The tree drawn: with lines for a terminal, and in the languages of Graphviz and Mermaid.
use super::TracedEvent;
use std::fmt::Write;

/// With lines. Aligned by nothing: each line says service, type, stream, topic and moment.
pub(super) fn text(events: &[TracedEvent]) -> String {
    let mut lines = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let mut line = String::new();
        for depth in 1..=event.depth {
            let goes_on = goes_on(&events[index + 1..], depth);
            line.push_str(match (depth == event.depth, goes_on) {
                (true, true) => "├─ ",
                (true, false) => "└─ ",
                (false, true) => "│  ",
                (false, false) => "   ",
            });
        }
        line.push_str(&described(event));
        lines.push(line);
    }
    lines.join("\n")
}

/// Whether another event stands at `depth` before the tree goes up above that.
fn goes_on(after: &[TracedEvent], depth: usize) -> bool {
    after.iter().find(|event| event.depth <= depth).is_some_and(|event| event.depth == depth)
}

fn described(traced: &TracedEvent) -> String {
    let event = &traced.event;
    let topic = traced.topic.map_or_else(|| "private".to_owned(), |topic| format!("→ {topic}"));
    let category = event.category.unwrap_or("?");
    format!("{}  {category}-{} v{}  {topic}  {}", event.event_type, event.stream, event.version, event.at)
}

/// In the language of Graphviz: `historia trace ID --dot | dot -Tsvg`.
pub(super) fn dot(events: &[TracedEvent]) -> String {
    let mut text = String::from("digraph saga {\n  rankdir=LR;\n  node [shape=box];\n");
    for (index, event) in events.iter().enumerate() {
        let shape = if event.topic.is_none() { ", style=dashed" } else { "" };
        // Names of types and services are ours: letters, dots and underscores.
        let _ = writeln!(
            text,
            "  n{index} [label=\"{}\\n{} v{}\"{shape}];",
            event.event.event_type, event.event.service, event.event.version
        );
    }
    for (cause, effect) in edges(events) {
        let _ = writeln!(text, "  n{cause} -> n{effect};");
    }
    text.push('}');
    text
}

/// As a Mermaid flow chart, which Markdown pages draw.
pub(super) fn mermaid(events: &[TracedEvent]) -> String {
    let mut text = String::from("flowchart LR");
    for (index, event) in events.iter().enumerate() {
        let _ = write!(
            text,
            "\n  n{index}[\"{}<br/>{} v{}\"]",
            event.event.event_type, event.event.service, event.event.version
        );
    }
    for (cause, effect) in edges(events) {
        let _ = write!(text, "\n  n{cause} --> n{effect}");
    }
    text
}

/// Cause and effect by their places: an event's cause is the nearest one before it that is one less deep.
fn edges(events: &[TracedEvent]) -> Vec<(usize, usize)> {
    let cause = |effect: usize| {
        let depth = events[effect].depth.checked_sub(1)?;
        events[..effect].iter().rposition(|event| event.depth == depth)
    };
    (0..events.len()).filter_map(|effect| Some((cause(effect)?, effect))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::ordered;
    use super::*;
    use infra_disclosure::ShownEvent;
    use serde_json::Value;
    use uuid::Uuid;

    fn event(id: u128, cause: Option<u128>, topic: Option<&'static str>) -> TracedEvent {
        // The id is also when it happened and which version it is.
        let version = u32::try_from(id).unwrap();
        let event = ShownEvent {
            service: "users",
            stream: Uuid::nil().to_string(),
            category: Some("user"),
            version,
            event_type: "users.user_created".to_owned(),
            schema_version: 1,
            at: format!("2026-11-22T10:00:{id:02}.000000Z"),
            position: version.into(),
            tx: 1,
            epoch: 1,
            event_id: Uuid::from_u128(id),
            correlation_id: Uuid::nil(),
            causation_id: cause.map(Uuid::from_u128),
            actor: None,
            data: Value::Null,
            hash: String::new(),
        };
        TracedEvent { depth: 0, event, topic }
    }

    /// One request with two effects, of which the first has one of its own, and something of unknown cause.
    fn saga() -> Vec<TracedEvent> {
        ordered(vec![
            event(3, Some(2), None),
            event(2, Some(1), Some("event-user")),
            event(1, None, Some("event-user")),
            event(5, Some(99), None),
            event(4, Some(1), None),
        ])
    }

    fn ids(events: &[TracedEvent]) -> Vec<(u128, usize)> {
        events.iter().map(|event| (event.event.event_id.as_u128(), event.depth)).collect()
    }

    #[test]
    fn every_event_stands_below_its_cause() {
        assert_eq!(ids(&saga()), [(1, 0), (2, 1), (3, 2), (4, 1), (5, 0)]);
        let branches: Vec<String> =
            text(&saga()).lines().map(|line| line.chars().take_while(|c| !c.is_alphabetic()).collect()).collect();
        assert_eq!(branches, ["", "├─ ", "│  └─ ", "└─ ", ""]);
    }

    #[test]
    fn events_that_cause_each_other_are_shown_all_the_same() {
        assert_eq!(ids(&ordered(vec![event(1, Some(2), None), event(2, Some(1), None)])), [(1, 0), (2, 1)]);
        assert_eq!(ids(&ordered(vec![event(1, Some(1), None)])), [(1, 0)]);
    }

    #[test]
    fn the_drawings_have_an_edge_for_every_cause() {
        assert_eq!(edges(&saga()), [(0, 1), (1, 2), (0, 3)]);
        assert_eq!(dot(&saga()).matches(" -> ").count(), 3);
        assert_eq!(dot(&saga()).matches("style=dashed").count(), 3);
        assert_eq!(mermaid(&saga()).matches(" --> ").count(), 3);
    }
}
