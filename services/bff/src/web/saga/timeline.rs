//! A saga's timeline: an event a lane, with who owed an answer below it, to scale.
use super::times::{attribute, moment, span};
use super::{Consumer, SagaEvent};
use chrono::{DateTime, TimeDelta, Utc};
use infra_contracts::catalogue::PUBLISHED;
use infra_runtime::Language;
use uuid::Uuid;

/// The drawing's width, in its own units.
pub(crate) const WIDTH: i64 = 960;
/// Where time begins; names stand before it.
const LEFT: i64 = 260;
/// Where it ends; spans stand behind it.
const RIGHT: i64 = 830;
/// A lane's height.
const LANE: i64 = 32;

/// One lane: an event, or a consumer's answer to the event above it.
pub(crate) struct Lane {
    /// Of whom the row of the table tells.
    pub(crate) event: Uuid,
    pub(crate) event_type: String,
    pub(crate) consumer: Option<String>,
    pub(crate) state: String,
    pub(crate) class: &'static str,
    pub(crate) attempts: Option<u32>,
    pub(crate) error: Option<String>,
    /// When it happened; of an answer that is no event of its own nobody knows it.
    pub(crate) at: Option<At>,
    /// The middle of the lane.
    pub(crate) y: i64,
    /// Where its cause was, and where it is.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) failed: bool,
}

/// A moment of a saga.
pub(crate) struct At {
    pub(crate) moment: String,
    pub(crate) attribute: String,
    /// Since the saga began.
    pub(crate) since: String,
}

impl Lane {
    /// Where the text under the lane's line stands.
    pub(crate) fn baseline(&self) -> i64 {
        self.y + 5
    }

    /// The corners of a failure's sign, which is no circle.
    pub(crate) fn diamond(&self) -> String {
        let (x, y) = (self.to, self.y);
        format!("{x},{} {},{y} {x},{} {},{y}", y - 9, x + 9, y + 9, x - 9)
    }

    pub(crate) fn is_answer(&self) -> bool {
        self.consumer.is_some()
    }
}

/// The whole drawing.
pub(crate) struct Timeline {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) height: i64,
    /// From the first event to the last.
    pub(crate) took: String,
}

/// What is known of a saga's time.
struct Scale {
    begun: DateTime<Utc>,
    took: TimeDelta,
    language: Language,
}

impl Scale {
    /// Where a moment stands.
    fn x(&self, at: DateTime<Utc>) -> i64 {
        let whole = self.took.num_microseconds().unwrap_or(i64::MAX).max(1);
        let part = (at - self.begun).num_microseconds().unwrap_or(i64::MAX).clamp(0, whole);
        let across = i128::from(RIGHT - LEFT) * i128::from(part) / i128::from(whole);
        LEFT + i64::try_from(across).unwrap_or(0)
    }

    fn at(&self, at: DateTime<Utc>) -> At {
        At { moment: moment(at), attribute: attribute(at), since: span(at - self.begun, self.language) }
    }
}

impl Timeline {
    /// Of `events`, the oldest first.
    pub(crate) fn of(events: &[SagaEvent], language: Language) -> Self {
        let moments = || events.iter().map(|event| event.occurred_at);
        let (begun, ended) = (moments().min().unwrap_or_default(), moments().max().unwrap_or_default());
        let scale = Scale { begun, took: ended - begun, language };
        let mut lanes = Vec::new();
        for event in events {
            let here = scale.x(event.occurred_at);
            let cause = events.iter().find(|cause| Some(cause.id) == event.causation_id);
            lanes.push(Lane {
                event: event.id,
                event_type: event.event_type.clone(),
                consumer: None,
                state: event.state.clone(),
                class: event.class(),
                attempts: None,
                error: None,
                at: Some(scale.at(event.occurred_at)),
                y: 0,
                from: cause.map_or(here, |cause| scale.x(cause.occurred_at)),
                to: here,
                failed: event.failed(),
            });
            for consumer in &event.consumers {
                let answered = answer(events, event, consumer);
                lanes.push(Lane {
                    event: event.id,
                    event_type: event.event_type.clone(),
                    consumer: Some(consumer.name.clone()),
                    state: consumer.state.clone(),
                    class: consumer.class(),
                    attempts: Some(consumer.attempts),
                    error: consumer.error.clone(),
                    at: answered.map(|at| scale.at(at)),
                    y: 0,
                    from: here,
                    to: answered.map_or(here, |at| scale.x(at)),
                    failed: consumer.failed(),
                });
            }
        }
        for (lane, index) in lanes.iter_mut().zip(0..) {
            lane.y = LANE * index + LANE / 2;
        }
        let height = lanes.last().map_or(LANE, |lane| lane.y + LANE / 2);
        Self { height, took: span(scale.took, language), lanes }
    }
}

/// When a consumer answered an event with one of its own: an event of its context that this one caused.
fn answer(events: &[SagaEvent], event: &SagaEvent, consumer: &Consumer) -> Option<DateTime<Utc>> {
    let of_consumer = |answer: &&SagaEvent| {
        let published = PUBLISHED.iter().find(|published| published.display == answer.event_type);
        let context = published.and_then(|published| published.event_type.split('.').next());
        answer.causation_id == Some(event.id) && context == Some(consumer.name.as_str())
    };
    events.iter().filter(of_consumer).map(|answer| answer.occurred_at).max()
}

#[cfg(test)]
pub(in crate::web) mod tests {
    use super::*;

    /// Events happen as many milliseconds after the first as their number says.
    pub(in crate::web) fn event(number: u128, cause: Option<u128>, event_type: &str) -> SagaEvent {
        let begun: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        SagaEvent {
            id: Uuid::from_u128(number),
            event_type: event_type.to_owned(),
            state: "PROCESSED".to_owned(),
            correlation_id: Uuid::from_u128(0xc),
            causation_id: cause.map(Uuid::from_u128),
            topic: "event-result".to_owned(),
            aggregate: Uuid::from_u128(0xa),
            version: 1,
            occurred_at: begun + TimeDelta::milliseconds(i64::try_from(number).unwrap()),
            consumers: Vec::new(),
        }
    }

    fn consumer(state: &str, attempts: u32) -> Consumer {
        Consumer { name: "notifications".to_owned(), state: state.to_owned(), attempts, error: None }
    }

    #[test]
    fn events_stand_where_they_happened_and_answers_where_they_were_given() {
        let mut created = event(1, None, "ResultCreated");
        created.consumers.push(consumer("PROCESSED", 1));
        let events = [created, event(51, Some(1), "NotificationSent"), event(101, Some(51), "ResultQueried")];
        let timeline = Timeline::of(&events, Language::English);
        let places: Vec<(i64, i64)> = timeline.lanes.iter().map(|lane| (lane.from, lane.to)).collect();
        let middle = i64::midpoint(LEFT, RIGHT);
        assert_eq!(places, [(LEFT, LEFT), (LEFT, middle), (LEFT, middle), (middle, RIGHT)]);
        assert_eq!(timeline.took, "100 ms");
        assert_eq!(timeline.lanes[1].at.as_ref().unwrap().since, "50 ms");
        assert_eq!(timeline.height, 4 * LANE);
    }

    #[test]
    fn an_answer_that_is_no_event_has_no_time_and_a_failure_is_marked() {
        let mut sent = event(1, None, "NotificationSent");
        sent.state = "FAILED".to_owned();
        sent.consumers.push(Consumer { name: "results".to_owned(), ..consumer("FAILED", 3) });
        let timeline = Timeline::of(&[sent], Language::Spanish);
        let answer = &timeline.lanes[1];
        assert!(answer.at.is_none() && answer.failed && answer.attempts == Some(3));
        assert!(timeline.lanes[0].failed);
    }

    #[test]
    fn a_saga_of_one_moment_is_drawn_too() {
        let timeline = Timeline::of(&[event(1, None, "A"), event(1, None, "B")], Language::English);
        assert!(timeline.lanes.iter().all(|lane| lane.to == LEFT));
        assert_eq!(Timeline::of(&[], Language::English).height, LANE);
    }
}
