//! The end of the log, kept for those who follow it.
//!
//! Projections, relays and subscriptions of one service all read the same new events at the same moment. Whoever comes
//! first asks the database for all of them. What was read once never changes, and nothing appears before it any more:
//! that is what the gate of [`statements::READ_ALL`] promises.
use super::limit_parameter;
use crate::{failure, packed, row, statements};
use domain_kernel::ports::StoreError;
use domain_kernel::{Checkpoint, RecordedEvent};
use infra_gathered::Gathered;
use sqlx::{PgPool, Row};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// So many events are read at once, and larger pages are not kept.
const PAGE: usize = 500;

/// So many events are kept at most.
const KEPT: usize = 4 * PAGE;

/// At least so much time lies between two looks at the end of the log of which the first found something. What follows a
/// look (a batch of each projection, the next steps of each saga) has a price of its own however little was found; under
/// load several appends share it, and a lone one is seen at once.
const PACE: Duration = Duration::from_millis(10);

/// Payloads of so many bytes are kept at most.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Reads the global order.
#[derive(Debug)]
pub(super) struct Tail {
    log: Arc<Log>,
    following: Gathered<(Question, Instant), Vec<RecordedEvent>>,
}

#[derive(Debug)]
struct Log {
    pool: PgPool,
    kept: Mutex<Kept>,
    looks: Mutex<Looks>,
    /// The page that whoever reads the whole log will ask for next.
    ahead: Mutex<Option<Ahead>>,
}

/// A page that is being read; no longer when nobody wants it.
#[derive(Debug)]
struct Ahead {
    question: Question,
    page: JoinHandle<Result<Vec<RecordedEvent>, StoreError>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.page.abort();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    after: Checkpoint,
    limit: usize,
}

impl Tail {
    pub(super) fn new(pool: PgPool) -> Self {
        let log = Arc::new(Log { pool, kept: Mutex::default(), looks: Mutex::default(), ahead: Mutex::default() });
        let followed = Arc::clone(&log);
        let following = Gathered::new(move |questions| {
            let log = Arc::clone(&followed);
            Box::pin(async move { log.follow(questions).await })
        });
        Self { log, following }
    }

    /// Up to `limit` events after `after`.
    pub(super) async fn read(&self, after: Checkpoint, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        let question = Question { after, limit };
        if limit > PAGE {
            return self.log.read(question).await;
        }
        let (page, behind) = {
            let kept = lock(&self.log.kept);
            (kept.page(after, limit), after < kept.before)
        };
        match page {
            Some(page) if page.len() == limit => return Ok(page),
            None if behind => return self.log.read(question).await,
            // At the end, where there may be more by now; or further than anybody was before.
            _ => {}
        }
        let asked = Instant::now();
        let pause = lock(&self.log.looks).pause(asked);
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        self.following.ask((question, asked)).await
    }
}

/// When the end of the log was looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    /// When the last look began.
    last: Option<Instant>,
    /// When the last one began that found something, unless there was more than a page of it: who is that far behind
    /// catches up as fast as can be.
    found: Option<Instant>,
}

impl Looks {
    /// With one more that `began` and found so many events.
    fn with(self, began: Instant, events: usize) -> Self {
        let found = match events {
            0 => self.found,
            PAGE.. => None,
            _ => Some(began),
        };
        Self { last: Some(began), found }
    }

    /// How long the next look has to wait.
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.found.map(|found| PACE.saturating_sub(now.duration_since(found))).filter(|pause| !pause.is_zero())
    }

    /// Whether what was there at `asked` has been seen.
    fn cover(&self, asked: Instant) -> bool {
        self.last.is_some_and(|last| last >= asked)
    }
}

impl Log {
    /// Reads on at the end, unless that was done since they were asked, then answers everybody.
    async fn follow(&self, questions: Vec<(Question, Instant)>) -> Result<Vec<Vec<RecordedEvent>>, StoreError> {
        let looks = *lock(&self.looks);
        let is_known = |(question, asked): &(Question, Instant)| {
            looks.cover(*asked) && lock(&self.kept).page(question.after, question.limit).is_some()
        };
        if !questions.iter().all(is_known) {
            let (begun, from) = (Instant::now(), lock(&self.kept).begin(&questions));
            let new = self.read(Question { after: from, limit: PAGE }).await?;
            *lock(&self.looks) = looks.with(begun, new.len());
            lock(&self.kept).extend(from, new);
        }
        let mut answers = Vec::with_capacity(questions.len());
        for (question, _) in questions {
            let page = lock(&self.kept).page(question.after, question.limit);
            answers.push(match page {
                Some(page) => page,
                None => self.read(question).await?,
            });
        }
        Ok(answers)
    }

    /// A page. When it is full, the one after it is read already: a database and its reader have a core each.
    async fn read(&self, question: Question) -> Result<Vec<RecordedEvent>, StoreError> {
        let ahead = lock(&self.ahead).take_if(|ahead| ahead.question == question);
        let page = match ahead {
            // A page that was cut short has an end that may have moved on since, and a failure may have passed.
            Some(mut ahead) => {
                (&mut ahead.page).await.ok().and_then(Result::ok).filter(|page| page.len() == question.limit)
            }
            None => None,
        };
        let page = match page {
            Some(page) => page,
            None => query(&self.pool, question).await?,
        };
        if page.len() == question.limit
            && let Some(last) = page.last()
        {
            let question = Question { after: last.checkpoint, ..question };
            let pool = self.pool.clone();
            let page = tokio::spawn(async move { query(&pool, question).await });
            *lock(&self.ahead) = Some(Ahead { question, page });
        }
        Ok(page)
    }
}

async fn query(pool: &PgPool, Question { after, limit }: Question) -> Result<Vec<RecordedEvent>, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let row = sqlx::query(statements::READ_ALL)
        .bind(after.epoch)
        .bind(row::tx_parameter(after.tx)?)
        .bind(after.position)
        .bind(limit_parameter(limit))
        .fetch_one(pool)
        .await
        .map_err(of_query)?;
    let mut events = Vec::new();
    packed::page(row.try_get(0).map_err(of_query)?, &mut events)?;
    Ok(events)
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is made whole before anything can panic.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything after `before` up to the last of `events`, without a gap.
#[derive(Debug, Default)]
struct Kept {
    before: Checkpoint,
    events: VecDeque<RecordedEvent>,
    bytes: usize,
}

impl Kept {
    fn end(&self) -> Checkpoint {
        self.events.back().map_or(self.before, |last| last.checkpoint)
    }

    /// What is kept after `after`, which may be nothing; `None` when what follows `after` is not known.
    fn page(&self, after: Checkpoint, limit: usize) -> Option<Vec<RecordedEvent>> {
        if after < self.before || after > self.end() {
            return None;
        }
        let first = self.events.partition_point(|event| event.checkpoint <= after);
        Some(self.events.iter().skip(first).take(limit).cloned().collect())
    }

    /// Where to read on for `questions`: at the end, or where the first reader stands that is further.
    fn begin(&mut self, questions: &[(Question, Instant)]) -> Checkpoint {
        let end = self.end();
        let ahead = questions.iter().map(|(question, _)| question.after).filter(|after| *after > end).min();
        if let Some(ahead) = ahead {
            *self = Self { before: ahead, ..Self::default() };
        }
        self.end()
    }

    /// Keeps what was read after `from`, unless somebody else began elsewhere meanwhile.
    fn extend(&mut self, from: Checkpoint, new: Vec<RecordedEvent>) {
        let end = self.end();
        if from < self.before || from > end {
            return;
        }
        for event in new.into_iter().filter(|event| event.checkpoint > end) {
            self.bytes += event.payload.len();
            self.events.push_back(event);
        }
        while self.events.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.payload.len();
            self.before = oldest.checkpoint;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::{
        CorrelationId, EventId, EventMetadata, EventTypeId, SchemaVersion, StreamId, Timestamp, Version,
    };
    use uuid::Uuid;

    fn event(position: i64, bytes: usize) -> RecordedEvent {
        RecordedEvent {
            checkpoint: at(position),
            stream: StreamId(Uuid::nil()),
            version: Version(1),
            type_id: EventTypeId(1),
            schema_version: SchemaVersion(1),
            metadata: EventMetadata {
                event_id: EventId(Uuid::nil()),
                correlation_id: CorrelationId(Uuid::nil()),
                causation_id: None,
                actor: None,
                occurred_at: Timestamp(0),
            },
            payload: vec![0; bytes],
            hash: [0; 32],
        }
    }

    fn at(position: i64) -> Checkpoint {
        Checkpoint { epoch: 1, tx: 1, position }
    }

    fn question(after: i64) -> (Question, Instant) {
        (Question { after: at(after), limit: 5 }, Instant::now())
    }

    fn positions(page: Option<Vec<RecordedEvent>>) -> Option<Vec<i64>> {
        page.map(|page| page.iter().map(|event| event.checkpoint.position).collect())
    }

    /// Keeps the events 11 to 20.
    fn kept() -> Kept {
        let mut kept = Kept::default();
        let from = kept.begin(&[question(10)]);
        assert_eq!(from, at(10));
        kept.extend(from, (11..=20).map(|position| event(position, 1)).collect());
        kept
    }

    #[test]
    fn a_look_follows_another_at_once_unless_that_has_just_found_something() {
        let now = Instant::now();
        let looks = Looks::default().with(now, 1).with(now + Duration::from_millis(1), 0);
        let after = |milliseconds| looks.pause(now + Duration::from_millis(milliseconds));
        assert_eq!(Looks::default().pause(now), None);
        assert_eq!(after(0), Some(PACE));
        assert_eq!(after(7), Some(Duration::from_millis(3)));
        assert_eq!((after(10), after(500)), (None, None));
    }

    #[test]
    fn who_is_a_page_behind_keeps_no_pace() {
        let now = Instant::now();
        assert_eq!(Looks::default().with(now, 3).with(now, PAGE).pause(now), None);
        assert_eq!(Looks::default().with(now, PAGE - 1).pause(now), Some(PACE));
    }

    #[test]
    fn only_a_look_that_began_since_shows_what_was_there_when_it_was_asked_for() {
        let now = Instant::now();
        let looks = Looks::default().with(now, 0);
        assert!(looks.cover(now) && looks.cover(now - Duration::from_millis(1)));
        assert!(!looks.cover(now + Duration::from_nanos(1)));
        assert!(!Looks::default().cover(now));
    }

    #[test]
    fn a_page_is_what_follows_and_nothing_is_told_of_what_is_not_known() {
        let kept = kept();
        assert_eq!(positions(kept.page(at(10), 3)), Some(vec![11, 12, 13]));
        assert_eq!(positions(kept.page(at(18), 10)), Some(vec![19, 20]));
        assert_eq!(positions(kept.page(at(20), 10)), Some(vec![]));
        assert_eq!(positions(kept.page(at(9), 10)), None, "before what is kept");
        assert_eq!(positions(kept.page(at(21), 10)), None, "after what is kept");
    }

    #[test]
    fn two_that_read_on_at_once_leave_each_event_once() {
        let mut kept = kept();
        let from = kept.begin(&[]);
        kept.extend(from, vec![event(21, 1), event(22, 1)]);
        kept.extend(from, vec![event(21, 1), event(22, 1), event(23, 1)]);
        assert_eq!(positions(kept.page(at(19), 10)), Some(vec![20, 21, 22, 23]));
    }

    #[test]
    fn what_was_read_elsewhere_leaves_no_gap() {
        let mut kept = kept();
        let from = kept.begin(&[]);
        // Meanwhile a reader came that is further.
        assert_eq!(kept.begin(&[question(100)]), at(100));
        kept.extend(from, vec![event(21, 1)]);
        assert_eq!(positions(kept.page(at(100), 5)), Some(vec![]));
        assert_eq!(positions(kept.page(at(20), 5)), None);
    }

    #[test]
    fn what_was_read_behind_the_end_is_not_kept() {
        let mut kept = kept();
        kept.extend(at(21), vec![event(22, 1)]);
        assert_eq!(positions(kept.page(at(19), 10)), Some(vec![20]), "21 may be missing");
    }

    #[test]
    fn whoever_stands_at_the_end_throws_nothing_away() {
        let mut kept = kept();
        assert_eq!(kept.begin(&[question(20), question(3)]), at(20));
        assert_eq!(positions(kept.page(at(18), 10)), Some(vec![19, 20]));
    }

    #[test]
    fn of_those_who_are_further_the_first_begins() {
        let mut kept = kept();
        let questions = [30, 25, 40].map(question);
        assert_eq!(kept.begin(&questions), at(25));
        assert_eq!(positions(kept.page(at(24), 5)), None);
    }

    #[test]
    fn four_pages_and_4_mib_are_kept() {
        assert_eq!((PAGE, KEPT, KEPT_BYTES), (500, 2_000, 4_194_304));
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let mut many = Kept::default();
        many.extend(Checkpoint::default(), (1..).take(KEPT + 10).map(|position| event(position, 1)).collect());
        assert_eq!(many.events.len(), KEPT);
        assert_eq!(positions(many.page(at(9), 1)), None);
        assert_eq!(positions(many.page(at(10), 1)), Some(vec![11]));
        let mut large = Kept::default();
        large.extend(Checkpoint::default(), (1..=3).map(|position| event(position, KEPT_BYTES / 2)).collect());
        assert_eq!((large.events.len(), large.bytes), (2, KEPT_BYTES));
    }
}
