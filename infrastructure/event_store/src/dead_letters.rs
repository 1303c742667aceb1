//! What this service's consumers could not handle, and what waits behind it.
//!
//! A message that fails for good becomes a dead letter and its stream parks *for that consumer*: the messages that
//! follow are stored behind it, in version order, and come after it once it was handled. Other streams go on.
//! Storing behind and unparking each lock the stream's row, so no message can slip in between the last look and the end
//! of the parking. Everything may be repeated: a repeated call changes nothing more.
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, EventId, Message, StreamId, Timestamp};
use uuid::Uuid;

mod message_row;
mod postgres;

pub use postgres::PgDeadLetters;

/// A message that a consumer could not handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The letter; derived from consumer and event, so parking twice is one letter.
    pub id: Uuid,
    /// Who could not handle it.
    pub consumer: String,
    /// The message, whole.
    pub message: Message,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed; a code, never data.
    pub code: String,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// How many messages of the same stream wait behind it.
    pub parked_behind: u32,
}

/// Attempts, dead letters and parked streams of one service's consumers.
pub trait DeadLetters: Send + Sync {
    /// How many attempts of handling `event` were recorded.
    fn attempts<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>>;

    /// Records one more attempt, before it is made; returns how many that makes.
    fn record_attempt<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>>;

    /// Whether messages of `stream` have to wait.
    fn is_parked<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Writes the dead letter and parks its stream. A letter that is there already takes the new attempts and code.
    fn park<'a>(
        &'a self,
        consumer: &'a str,
        message: &'a Message,
        attempts: u32,
        code: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Stores `message` behind its parked stream's letter; false, and nothing stored, when the stream is not parked
    /// (any more): then it is to be handled.
    fn store_behind<'a>(&'a self, consumer: &'a str, message: &'a Message) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Up to `limit` letters, the oldest first.
    fn list(&self, limit: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// The letter of `event`, if it is one of `consumer`'s.
    fn find<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<Option<DeadLetter>, StoreError>>;

    /// The waiting message of `stream` with the lowest version, once the letter of `after` is dealt with. While another
    /// letter holds the stream only that letter's own message is found: nothing passes a letter.
    fn next_behind<'a>(
        &'a self,
        consumer: &'a str,
        stream: StreamId,
        after: EventId,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>>;

    /// Takes a waiting message out, after it was handled.
    fn remove_behind<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Takes a letter out, after it was handled; its recorded attempts go with it.
    fn remove_letter<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends the parking when neither a letter nor a waiting message of the stream is left; true when the stream is not
    /// parked afterwards.
    fn unpark_if_empty<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>>;
}
