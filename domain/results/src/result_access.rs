//! Who looked at a result, and when.
//!
//! A stream per result, reader and UTC day (and one per reader and day for lists): looking never moves the version of
//! the result itself, and no stream grows without end. A read is recorded before anything is shown; if it cannot be
//! recorded, nothing is shown.
use crate::values::ResultNumber;
use domain_kernel::{Aggregate, DomainEvent, Role, StreamId, Timestamp, UserId};
use std::convert::Infallible;

/// The aggregate of one reader's looks at one result (or at lists) during one day.
pub struct ResultAccess;

/// How often the reader looked that day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultAccessState {
    /// Single results and histories.
    pub reads: u32,
    /// Pages of lists.
    pub pages: u32,
}

/// What can be asked: to remember a look. It is never refused and never merged with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultAccessCommand {
    /// Somebody is about to be shown a result.
    RecordQuery {
        /// Which result.
        result: StreamId,
        /// Its number.
        number: ResultNumber,
        /// To whom.
        reader: Reader,
        /// What of it.
        access: Access,
    },
    /// Somebody is about to be shown a page of a list.
    RecordListing {
        /// To whom.
        reader: Reader,
        /// How many results are on the page.
        shown: u32,
    },
}

/// What can have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultAccessEvent {
    /// A result was shown.
    Queried {
        /// Which result.
        result: StreamId,
        /// Its number.
        number: ResultNumber,
        /// To whom.
        reader: Reader,
        /// What of it.
        access: Access,
    },
    /// A page of a list, without any clinical value, was shown.
    Listed {
        /// To whom.
        reader: Reader,
        /// How many results were on the page.
        shown: u32,
    },
}

/// Who looked, in the role that they had then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The account.
    pub user: UserId,
    /// The role.
    pub role: Role,
}

/// What of a result was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// What it says now.
    Result,
    /// Everything that it ever said.
    History,
}

impl Access {
    /// The pinned name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::History => "history",
        }
    }
}

/// The stream of `reader`'s looks at `result` during the UTC day of `at`.
#[must_use]
pub fn query_stream(result: StreamId, reader: UserId, at: Timestamp) -> StreamId {
    StreamId(result.derive(&format!("access/{reader}/{}", utc_day(at))))
}

/// The stream of `reader`'s looks at lists of results during the UTC day of `at`.
#[must_use]
pub fn listing_stream(reader: UserId, at: Timestamp) -> StreamId {
    StreamId(reader.derive(&format!("results-listed/{}", utc_day(at))))
}

/// Days since 1970-01-01.
fn utc_day(at: Timestamp) -> i64 {
    at.0.div_euclid(24 * 60 * 60 * 1_000_000)
}

impl DomainEvent for ResultAccessEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Queried { .. } => "results.result_queried",
            Self::Listed { .. } => "results.results_listed",
        }
    }
}

impl Aggregate for ResultAccess {
    const NAME: &'static str = "result_access";
    type State = ResultAccessState;
    type Command = ResultAccessCommand;
    type Event = ResultAccessEvent;
    type Error = Infallible;

    fn decide(_: &ResultAccessState, command: ResultAccessCommand) -> Result<Vec<ResultAccessEvent>, Infallible> {
        Ok(vec![match command {
            ResultAccessCommand::RecordQuery { result, number, reader, access } => {
                ResultAccessEvent::Queried { result, number, reader, access }
            }
            ResultAccessCommand::RecordListing { reader, shown } => ResultAccessEvent::Listed { reader, shown },
        }])
    }

    fn evolve(state: ResultAccessState, event: &ResultAccessEvent) -> ResultAccessState {
        match event {
            ResultAccessEvent::Queried { .. } => {
                ResultAccessState { reads: state.reads.saturating_add(1), pages: state.pages }
            }
            ResultAccessEvent::Listed { .. } => {
                ResultAccessState { reads: state.reads, pages: state.pages.saturating_add(1) }
            }
        }
    }
}

#[cfg(test)]
mod specs {
    use super::*;
    use domain_kernel::rehydrate;
    use domain_kernel::spec::Spec;
    use uuid::Uuid;

    fn result() -> StreamId {
        StreamId(Uuid::from_u128(1))
    }
    fn reader() -> Reader {
        Reader { user: UserId(Uuid::from_u128(2)), role: Role::Physician }
    }
    fn number() -> ResultNumber {
        ResultNumber::new(7).unwrap()
    }
    fn query() -> ResultAccessCommand {
        let access = Access::Result;
        ResultAccessCommand::RecordQuery { result: result(), number: number(), reader: reader(), access }
    }
    fn queried() -> ResultAccessEvent {
        let access = Access::Result;
        ResultAccessEvent::Queried { result: result(), number: number(), reader: reader(), access }
    }
    fn listed() -> ResultAccessEvent {
        ResultAccessEvent::Listed { reader: reader(), shown: 10 }
    }

    #[test]
    fn a_look_is_remembered() {
        Spec::<ResultAccess>::given([]).when(query()).then([queried()]);
    }

    #[test]
    fn a_second_look_is_remembered_too() {
        Spec::<ResultAccess>::given([queried()]).when(query()).then([queried()]);
    }

    #[test]
    fn a_page_of_a_list_is_one_look() {
        Spec::<ResultAccess>::given([])
            .when(ResultAccessCommand::RecordListing { reader: reader(), shown: 10 })
            .then([listed()]);
    }

    #[test]
    fn reads_and_pages_are_counted_apart() {
        let past = [queried(), listed(), queried()];
        assert_eq!(rehydrate::<ResultAccess>(&past), ResultAccessState { reads: 2, pages: 1 });
    }

    #[test]
    fn a_stream_holds_one_result_one_reader_and_one_utc_day() {
        let noon = Timestamp(0).plus_seconds(12 * 3_600);
        let stream = query_stream(result(), reader().user, noon);
        assert_eq!(stream, query_stream(result(), reader().user, noon.plus_seconds(11 * 3_600)));
        assert_ne!(stream, query_stream(result(), reader().user, noon.plus_seconds(12 * 3_600)));
        assert_ne!(stream, query_stream(result(), UserId(Uuid::from_u128(3)), noon));
        assert_ne!(stream, query_stream(StreamId(Uuid::from_u128(3)), reader().user, noon));
        assert_ne!(listing_stream(reader().user, noon), listing_stream(reader().user, noon.plus_seconds(86_400)));
    }

    #[test]
    fn stored_names_never_change() {
        assert_eq!(ResultAccess::NAME, "result_access");
        assert_eq!(queried().event_type(), "results.result_queried");
        assert_eq!(listed().event_type(), "results.results_listed");
        assert_eq!([Access::Result, Access::History].map(Access::name), ["result", "history"]);
    }

    #[test]
    fn stream_ids_never_change() {
        let noon = Timestamp(0).plus_seconds(12 * 3_600);
        assert_eq!(
            query_stream(result(), reader().user, noon).0,
            Uuid::new_v5(&result().0, b"access/00000000-0000-0000-0000-000000000002/0")
        );
    }
}
