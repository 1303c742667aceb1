//! What is counted. Labels are pinned names, never ids.
use domain_kernel::Topic;
use metrics::{counter, gauge};

/// Messages that were dealt with, by consumer and topic.
const CONSUMED: &str = "historia_messages_consumed_total";
/// Messages of a type that this release does not know, passed over.
const SKIPPED: &str = "historia_messages_skipped_unknown_total";
/// What lay in a topic and no service wrote, passed over. Never anything but 0 where producers are authenticated: alarm.
const FOREIGN: &str = "historia_messages_foreign_total";
/// Messages that became dead letters.
const FAILED: &str = "historia_messages_failed_total";
/// Messages stored behind a parked stream's letter.
const STORED_BEHIND: &str = "historia_messages_stored_behind_total";
/// Seconds between the last message's event and its handling.
const LAG: &str = "historia_messages_lag_seconds";
/// Messages that a relay's sink confirmed.
const RELAYED: &str = "historia_messages_relayed_total";

pub(crate) fn consumed(consumer: &'static str, topic: Topic, lag_millis: i64) {
    counter!(CONSUMED, "consumer" => consumer, "topic" => topic).increment(1);
    #[expect(clippy::cast_precision_loss, reason = "a lag of more than 2^52 ms is 140,000 years")]
    gauge!(LAG, "consumer" => consumer, "topic" => topic).set(lag_millis.max(0) as f64 / 1_000.0);
}

pub(crate) fn skipped(consumer: &'static str, topic: Topic) {
    counter!(SKIPPED, "consumer" => consumer, "topic" => topic).increment(1);
}

pub(crate) fn foreign(consumer: &'static str, topic: Topic, reason: &'static str) {
    counter!(FOREIGN, "consumer" => consumer, "topic" => topic, "reason" => reason).increment(1);
}

pub(crate) fn failed(consumer: &'static str, topic: Topic) {
    counter!(FAILED, "consumer" => consumer, "topic" => topic).increment(1);
}

pub(crate) fn stored_behind(consumer: &'static str, topic: Topic) {
    counter!(STORED_BEHIND, "consumer" => consumer, "topic" => topic).increment(1);
}

pub(crate) fn relayed(topic: Topic) {
    counter!(RELAYED, "topic" => topic).increment(1);
}
