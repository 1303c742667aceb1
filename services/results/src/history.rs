//! A result as its events tell it: what it says, and who made it say so, when.
//!
//! Who and when are in the events' metadata and not in the domain's state, so reading a result folds both side by side.
use crate::codec::ResultsCodec;
use crate::stored::types;
use domain_kernel::ports::EventStore;
use domain_kernel::{Aggregate, CorrelationId, StreamId, Timestamp, UserId, Version};
use domain_results::{ClinicalResult, ClinicalResultEvent, ClinicalResultState, FiledResult};
use infra_event_store::codec::EventCodec;
use infra_event_store::repository::LoadError;

/// How many events one read takes; few results have more.
const PAGE: usize = 100;

/// A filed result with everything that happened to it.
pub(crate) struct ResultHistory {
    /// Its id.
    pub(crate) stream: StreamId,
    /// Where it stands now.
    pub(crate) result: FiledResult,
    /// Its version.
    pub(crate) version: Version,
    /// How it came there, oldest first; at least the filing.
    pub(crate) steps: Vec<Step>,
}

/// One thing that happened to a result.
pub(crate) struct Step {
    /// Which version it made.
    pub(crate) version: Version,
    /// When.
    pub(crate) at: Timestamp,
    /// Who did it.
    pub(crate) author: Option<UserId>,
    /// As part of which saga.
    pub(crate) correlation_id: CorrelationId,
    /// What the result was just after it.
    pub(crate) result: FiledResult,
}

impl ResultHistory {
    /// Reads the result; `None` when nothing was ever filed there (also when the stream is of another kind: an access
    /// stream's id is no result).
    pub(crate) async fn load(
        store: &dyn EventStore,
        codec: &ResultsCodec,
        stream: StreamId,
    ) -> Result<Option<Self>, LoadError> {
        let mut state = ClinicalResultState::default();
        let mut version = Version::NONE;
        let mut steps = Vec::new();
        loop {
            let events = store.read_stream(stream, version, PAGE).await?;
            for recorded in &events {
                if version == Version::NONE && recorded.type_id != types::RESULT_CREATED {
                    return Ok(None);
                }
                let event: ClinicalResultEvent = codec.decode(recorded).await?;
                state = ClinicalResult::evolve(state, &event);
                version = recorded.version;
                if let Some(result) = state.filed() {
                    let author = recorded.metadata.actor.map(|actor| actor.user);
                    let (at, correlation_id) = (recorded.metadata.occurred_at, recorded.metadata.correlation_id);
                    steps.push(Step { version, at, author, correlation_id, result: result.clone() });
                }
            }
            if events.len() < PAGE {
                break;
            }
        }
        Ok(match state {
            ClinicalResultState::Unknown => None,
            ClinicalResultState::Filed(result) => Some(Self { stream, result, version, steps }),
        })
    }

    /// Who filed it.
    pub(crate) fn author(&self) -> Option<UserId> {
        self.steps.first().and_then(|step| step.author)
    }

    /// The saga that its filing began.
    pub(crate) fn correlation_id(&self) -> Option<CorrelationId> {
        self.steps.first().map(|step| step.correlation_id)
    }

    /// When it was filed.
    pub(crate) fn created_at(&self) -> Timestamp {
        self.steps.first().map_or(Timestamp::default(), |step| step.at)
    }

    /// When it last changed.
    pub(crate) fn updated_at(&self) -> Timestamp {
        self.steps.last().map_or(Timestamp::default(), |step| step.at)
    }
}
