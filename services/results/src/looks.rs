//! Records who looks at results, before anything is shown.
//!
//! A look is remembered whatever was looked at before, so unlike other commands it needs nothing loaded: the end of the
//! stream is enough, however often somebody looks during one day.
use crate::app::App;
use crate::history::ResultHistory;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, StoreError};
use domain_kernel::{Aggregate, CommandId, EventId, EventMetadata, NewEvent, StreamId};
use domain_results::result_access::{listing_stream, query_stream};
use domain_results::{Access, Reader, ResultAccess, ResultAccessCommand, ResultAccessEvent, ResultAccessState};
use infra_event_store::codec::{CodecError, EventCodec, EventSlot};
use infra_http::{Caller, Problem, RequestContext};
use std::time::Duration;

/// How often a look is appended anew because other looks of the same reader at the same result were faster.
const MAX_APPENDS: u32 = 256;

/// After this a client may read again when its look could not be recorded.
const UNRECORDED: Duration = Duration::from_secs(2);

impl App {
    /// Records that `caller` is about to be shown a result. Nothing is shown when this fails.
    pub(crate) async fn record_query(
        &self,
        context: &RequestContext,
        caller: Caller,
        history: &ResultHistory,
        access: Access,
    ) -> Result<(), Problem> {
        let command = ResultAccessCommand::RecordQuery {
            result: history.stream,
            number: history.result.number,
            reader: reader(caller),
            access,
        };
        self.record(query_stream(history.stream, caller.user, self.clock.now()), context, command).await
    }

    /// Records that `caller` is about to be shown a page of `shown` results. Nothing is shown when this fails.
    pub(crate) async fn record_listing(
        &self,
        context: &RequestContext,
        caller: Caller,
        shown: usize,
    ) -> Result<(), Problem> {
        let shown = u32::try_from(shown).unwrap_or(u32::MAX);
        let command = ResultAccessCommand::RecordListing { reader: reader(caller), shown };
        self.record(listing_stream(caller.user, self.clock.now()), context, command).await
    }

    async fn record(
        &self,
        stream: StreamId,
        context: &RequestContext,
        command: ResultAccessCommand,
    ) -> Result<(), Problem> {
        self.append_look(stream, context, command).await.map_err(|error| {
            tracing::error!(error = %error, "a look at results could not be recorded; nothing was shown");
            Problem::unavailable(UNRECORDED)
                .code("access_not_recorded")
                .detail("Who reads results is recorded first, and that does not work at the moment.")
        })
    }

    async fn append_look(
        &self,
        stream: StreamId,
        context: &RequestContext,
        command: ResultAccessCommand,
    ) -> Result<(), Unrecorded> {
        let Ok(events) = ResultAccess::decide(&ResultAccessState::default(), command);
        // Every look is a command of its own, whatever the client calls it: a repeated read is a second look.
        let command_id = CommandId(self.clock.unique_id());
        for _ in 0..MAX_APPENDS {
            let expected = self.store.head(stream).await?;
            let mut new_events = Vec::with_capacity(events.len());
            for (index, event) in (1..).zip(&events) {
                let event_id = EventId(self.clock.unique_id());
                let slot = EventSlot { event_id, stream, version: expected.version.plus(index) };
                new_events.push(self.new_look(context, event, &slot).await?);
            }
            let command = AppendCommand {
                command_id,
                digest: None,
                correlation_id: context.correlation_id,
                claims: vec![],
                releases: vec![],
                events: new_events,
            };
            match self.store.append(Append { stream, expected, commands: vec![command] }).await {
                Ok(AppendOutcome::Appended(_) | AppendOutcome::Duplicate(_)) => return Ok(()),
                // Another look was faster. Under the same command id an append whose answer got lost counts once.
                Ok(AppendOutcome::Stale | AppendOutcome::ClaimTaken { .. }) | Err(StoreError::OutcomeUnknown) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Unrecorded::Contended)
    }

    async fn new_look(
        &self,
        context: &RequestContext,
        event: &ResultAccessEvent,
        slot: &EventSlot,
    ) -> Result<NewEvent, CodecError> {
        let encoded = self.codec.encode(event, slot).await?;
        let metadata = EventMetadata {
            event_id: slot.event_id,
            correlation_id: context.correlation_id,
            causation_id: None,
            actor: context.actor,
            occurred_at: self.clock.now(),
        };
        Ok(NewEvent {
            type_id: encoded.type_id,
            schema_version: encoded.schema_version,
            metadata,
            payload: encoded.payload,
        })
    }
}

/// Why a look was not recorded. To the client all are the same: not now.
#[derive(Debug, thiserror::Error)]
enum Unrecorded {
    #[error("the event store did not take the look")]
    Store(#[from] StoreError),
    #[error("the look could not be encoded")]
    Codec(#[from] CodecError),
    #[error("too many looks of one reader at one result at once")]
    Contended,
}

fn reader(caller: Caller) -> Reader {
    Reader { user: caller.user, role: caller.role }
}
