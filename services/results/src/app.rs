//! What the handlers work with: the repositories, and the few things that a command or an answer needs first.
use crate::codec::ResultsCodec;
use crate::history::ResultHistory;
use crate::stored::types;
use domain_kernel::ports::{Claim, ClaimKind, Clock, EventStore, StoreError};
use domain_kernel::{StreamId, Timestamp, Version};
use domain_results::result_notification::notification_stream;
use domain_results::{ClinicalResult, NotificationState, ResultNotification, ResultNumber};
use infra_event_store::BlindIndex;
use infra_event_store::repository::{LoadError, Repository};
use infra_http::Cursors;
use infra_runtime::{Profile, Resources};
use sqlx::PgPool;
use std::sync::Arc;
use uuid::Uuid;

/// The kind of claim that a running number is.
const RESULT_NUMBER: ClaimKind = ClaimKind(1);

/// What the handlers work with.
pub(crate) struct App {
    pub(crate) results: Repository<ClinicalResult>,
    notifications: Repository<ResultNotification>,
    pub(crate) codec: Arc<ResultsCodec>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pool: PgPool,
    pub(crate) profile: Profile,
    blind_index: BlindIndex,
    pub(crate) result_cursors: Cursors,
    pub(crate) access_cursors: Cursors,
    pub(crate) call_cursors: Cursors,
}

impl App {
    pub(crate) fn new(resources: &Resources) -> Self {
        let codec = Arc::new(ResultsCodec::new(Arc::clone(&resources.vault)));
        let (store, clock) = (&resources.store, &resources.clock);
        let cursors = |list| Cursors::new(resources.blind_index.clone(), list);
        Self {
            results: Repository::new(Arc::clone(store), codec.clone(), Arc::clone(clock)),
            notifications: Repository::new(Arc::clone(store), codec.clone(), Arc::clone(clock)),
            codec,
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            pool: resources.pool.clone(),
            profile: resources.profile,
            blind_index: resources.blind_index.clone(),
            result_cursors: cursors("results"),
            access_cursors: cursors("results.access"),
            call_cursors: cursors("results.calls"),
        }
    }

    pub(crate) fn notifications(&self) -> Repository<ResultNotification> {
        self.notifications.clone()
    }

    /// The results, with everything that happens now happening at `at`: so that an answer can tell the time of what it
    /// caused without reading it back.
    pub(crate) fn results_at(&self, at: Timestamp) -> Repository<ClinicalResult> {
        let clock = Arc::new(Moment { at, ids: Arc::clone(&self.clock) });
        Repository::new(Arc::clone(&self.store), self.codec.clone(), clock)
    }

    /// The unique key that a running number is: reserved with the result's first event, so that it leads to the result
    /// as soon as that is there.
    pub(crate) fn number_claim(&self, number: ResultNumber) -> Claim {
        number_claim(&self.blind_index, number)
    }

    /// The stream that `id`, a uuid or a running number, stands for. A uuid is taken at its word: whether there is a
    /// result shows when it is read.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<StreamId>, StoreError> {
        if let Ok(id) = Uuid::try_parse(id) {
            return Ok(Some(StreamId(id)));
        }
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let number = id.parse().ok().filter(|_| digits).and_then(|number| ResultNumber::new(number).ok());
        let Some(claim) = number.map(|number| self.number_claim(number)) else { return Ok(None) };
        self.store.find_claim(claim.kind, claim.key).await
    }

    /// The result that `id` stands for, made sure of without reading what it says. A uuid may be that of no stream, or
    /// of one of another kind.
    pub(crate) async fn find_result(&self, id: &str) -> Result<Option<StreamId>, StoreError> {
        let Some(stream) = self.find(id).await? else { return Ok(None) };
        let first = self.store.read_stream(stream, Version::NONE, 1).await?;
        let filed = first.first().is_some_and(|event| event.type_id == types::RESULT_CREATED);
        Ok(filed.then_some(stream))
    }

    /// The result that `id` stands for, rehydrated from its events.
    pub(crate) async fn history(&self, id: &str) -> Result<Option<ResultHistory>, LoadError> {
        match self.find(id).await? {
            None => Ok(None),
            Some(stream) => ResultHistory::load(&*self.store, &self.codec, stream).await,
        }
    }

    /// What was heard of telling the patient of `result`.
    pub(crate) async fn notification(&self, result: StreamId) -> Result<NotificationState, LoadError> {
        Ok(self.notifications.load(notification_stream(result)).await?.state)
    }

    /// When the event at `version` of `stream` happened.
    pub(crate) async fn moment_of(&self, stream: StreamId, version: Version) -> Result<Timestamp, StoreError> {
        let events = self.store.read_stream(stream, Version(version.0.saturating_sub(1)), 1).await?;
        let found = events.first().map(|event| event.metadata.occurred_at);
        found.ok_or_else(|| StoreError::Damaged { reason: format!("stream {stream} has no version {version}") })
    }
}

/// See [`App::number_claim`].
pub(crate) fn number_claim(blind_index: &BlindIndex, number: ResultNumber) -> Claim {
    blind_index.claim(RESULT_NUMBER, &number.to_string())
}

/// A clock that stands still; its ids are new all the same.
struct Moment {
    at: Timestamp,
    ids: Arc<dyn Clock>,
}

impl Clock for Moment {
    fn now(&self) -> Timestamp {
        self.at
    }

    fn unique_id(&self) -> Uuid {
        self.ids.unique_id()
    }
}
