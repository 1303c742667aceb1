//! What is sent and answered about keys, erasures and holds. Ids, codes and reasons without names.
use crate::database::moment;
use crate::erasure_list::{ErasureEntry, HoldEntry};
use crate::http::bodies::rfc3339;
use crate::http::problem::Faults;
use domain_kernel::ports::{KeyRecord, Purpose};
use domain_kernel::{StreamId, SubjectId, Timestamp};
use domain_users::erasure::{Act, Country, ErasureState, Progress, Reason, SubjectKey};
use infra_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a purpose may be.
const PURPOSES: &str = "must be account, contact or clinical";
/// Every state of an erasure, by name.
const STATES: [&str; 4] = ["requested", "declined", "approved", "erased"];

/// Filters and page of the list of keys.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct KeyListQuery {
    /// Only this subject's: a user, a patient's account, or a result that is linked to nobody.
    pub(super) subject: Option<Uuid>,
    /// Only `account`, `contact` or `clinical`.
    pub(super) purpose: Option<String>,
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub(super) limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    pub(super) cursor: Option<String>,
}

impl KeyListQuery {
    pub(super) fn purpose(&self) -> Result<Option<Purpose>, Problem> {
        let parse = |name: &str| Purpose::parse(name).ok_or_else(|| Problem::unprocessable("?purpose", PURPOSES));
        self.purpose.as_deref().map(parse).transpose()
    }
}

/// Filter and page of the list of erasures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ErasureListQuery {
    /// Only `requested`, `declined`, `approved` or `erased`.
    pub(super) state: Option<String>,
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub(super) limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    pub(super) cursor: Option<String>,
}

impl ErasureListQuery {
    pub(super) fn state(&self) -> Result<Option<&str>, Problem> {
        match self.state.as_deref() {
            Some(state) if !STATES.contains(&state) => {
                Err(Problem::unprocessable("?state", "must be requested, declined, approved or erased"))
            }
            state => Ok(state),
        }
    }
}

/// A key: when it was made and destroyed, never what it is.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d13", "subject": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11",
    "purpose": "contact", "created_at": "2026-11-22T12:00:00.000000Z", "destroyed_at": null,
    "master_key_id": "5d0c1f6e-0f5b-5b51-9d4e-8d9f3a7c2b10"
}))]
pub(super) struct KeyBody {
    id: Uuid,
    /// Whose data it seals.
    subject: Uuid,
    /// `account`, `contact` or `clinical`.
    purpose: &'static str,
    created_at: String,
    /// `null` while it opens what it sealed.
    destroyed_at: Option<String>,
    /// The master key that wraps it; `null` once it is destroyed.
    master_key_id: Option<Uuid>,
}

impl From<KeyRecord> for KeyBody {
    fn from(key: KeyRecord) -> Self {
        Self {
            id: key.id,
            subject: key.subject.0,
            purpose: key.purpose.name(),
            created_at: text(key.created_at),
            destroyed_at: key.destroyed_at.map(text),
            master_key_id: key.master,
        }
    }
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyPage {
    items: Vec<KeyBody>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Which key shall be destroyed, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11", "purpose": "contact", "country": "CL",
    "reason": "asked for by the person, request 2026-117"
}))]
pub(super) struct ErasureRequestBody {
    /// Whose key.
    subject: Uuid,
    /// `account`, `contact` or `clinical`.
    purpose: String,
    /// Whose law says how long clinical records are kept: `AR`, `CL` or `CO`.
    country: String,
    /// 1 to 500 characters, kept in clear and for ever: no names.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl ErasureRequestBody {
    pub(super) fn parse(&self) -> Result<(SubjectKey, Country, Reason), Problem> {
        let mut faults = Faults::default();
        let purpose = faults.check("/purpose", Purpose::parse(&self.purpose).ok_or(PURPOSES));
        let country = faults.check("/country", self.country.parse());
        let reason = faults.check("/reason", Reason::parse(&self.reason));
        match (purpose, country, reason) {
            (Some(purpose), Some(country), Some(reason)) => {
                Ok((SubjectKey { subject: SubjectId(self.subject), purpose }, country, reason))
            }
            _ => Err(faults.problem().unwrap_or_else(Problem::internal)),
        }
    }
}

/// Which key must be kept, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11", "purpose": "clinical", "reason": "lawsuit C-1234-2026"
}))]
pub(super) struct LegalHoldRequestBody {
    /// Whose key.
    subject: Uuid,
    /// `account`, `contact` or `clinical`.
    purpose: String,
    /// 1 to 500 characters, kept in clear and for ever: no names.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl LegalHoldRequestBody {
    pub(super) fn parse(&self) -> Result<(SubjectKey, Reason), Problem> {
        let mut faults = Faults::default();
        let purpose = faults.check("/purpose", Purpose::parse(&self.purpose).ok_or(PURPOSES));
        let reason = faults.check("/reason", Reason::parse(&self.reason));
        match (purpose, reason) {
            (Some(purpose), Some(reason)) => Ok((SubjectKey { subject: SubjectId(self.subject), purpose }, reason)),
            _ => Err(faults.problem().unwrap_or_else(Problem::internal)),
        }
    }
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "the request is not the person's own"}))]
pub(super) struct ReasonBody {
    /// 1 to 500 characters, kept in clear and for ever: no names.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl ReasonBody {
    pub(super) fn parse(&self) -> Result<Reason, Problem> {
        Reason::parse(&self.reason).map_err(|rule| Problem::unprocessable("/reason", rule.to_string()))
    }
}

/// Where the erasure of a subject's key for one purpose stands.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "6c2f0a3e-55b0-5a34-8f3d-3a4d1d6f2c11", "subject": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11",
    "purpose": "contact", "state": "requested", "country": "CL", "reason": "asked for by the person, request 2026-117",
    "requested_by": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d12", "requested_at": "2026-11-22T12:00:00.000000Z",
    "decided_by": null, "decided_at": null, "decision_reason": null, "erased_at": null, "on_hold": false
}))]
pub(super) struct ErasureBody {
    /// The same for every request about this key.
    id: Uuid,
    subject: Uuid,
    /// `account`, `contact` or `clinical`.
    purpose: String,
    /// `requested`, `declined`, `approved` (about to go) or `erased`.
    state: String,
    country: String,
    reason: String,
    requested_by: Uuid,
    requested_at: String,
    /// Who approved or declined.
    decided_by: Option<Uuid>,
    decided_at: Option<String>,
    /// Why it was declined.
    decision_reason: Option<String>,
    erased_at: Option<String>,
    /// A legal hold forbids it.
    on_hold: bool,
}

impl ErasureBody {
    /// `None` when nobody asked.
    pub(super) fn of(id: StreamId, state: &ErasureState) -> Option<Self> {
        let request = state.progress.request()?;
        let (name, decided, decision_reason, erased_at) = match &state.progress {
            Progress::NotAsked | Progress::Requested(_) => ("requested", None, None, None),
            Progress::Declined { reason, act, .. } => ("declined", Some(*act), Some(reason), None),
            Progress::Approved { act, .. } => ("approved", Some(*act), None, None),
            Progress::Erased { act, at, .. } => ("erased", Some(*act), None, Some(*at)),
        };
        Some(Self {
            id: id.0,
            subject: request.key.subject.0,
            purpose: request.key.purpose.name().to_owned(),
            state: name.to_owned(),
            country: request.country.code().to_owned(),
            reason: request.reason.as_str().to_owned(),
            requested_by: request.act.by.0,
            requested_at: text(request.act.at),
            decided_by: decided.map(|act: Act| act.by.0),
            decided_at: decided.map(|act| text(act.at)),
            decision_reason: decision_reason.map(|reason| reason.as_str().to_owned()),
            erased_at: erased_at.map(text),
            on_hold: state.hold.is_some(),
        })
    }
}

impl From<ErasureEntry> for ErasureBody {
    fn from(entry: ErasureEntry) -> Self {
        Self {
            id: entry.id,
            subject: entry.subject,
            purpose: entry.purpose,
            state: entry.state,
            country: entry.country,
            reason: entry.reason,
            requested_by: entry.requested_by,
            requested_at: rfc3339(entry.requested_at),
            decided_by: entry.decided_by,
            decided_at: entry.decided_at.map(rfc3339),
            decision_reason: entry.decision_reason,
            erased_at: entry.erased_at.map(rfc3339),
            on_hold: entry.on_hold,
        }
    }
}

/// A page of erasures.
#[derive(Serialize, ToSchema)]
pub(super) struct ErasurePage {
    items: Vec<ErasureBody>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// A key that must be kept until the hold is lifted.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "6c2f0a3e-55b0-5a34-8f3d-3a4d1d6f2c11", "subject": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11",
    "purpose": "clinical", "reason": "lawsuit C-1234-2026", "placed_by": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d12",
    "placed_at": "2026-11-22T12:00:00.000000Z"
}))]
pub(super) struct LegalHoldBody {
    /// The same for every hold on this key, and for its erasure.
    id: Uuid,
    subject: Uuid,
    /// `account`, `contact` or `clinical`.
    purpose: String,
    reason: String,
    placed_by: Uuid,
    placed_at: String,
}

impl LegalHoldBody {
    /// `None` when there is no hold.
    pub(super) fn of(id: StreamId, state: &ErasureState) -> Option<Self> {
        let hold = state.hold.as_ref()?;
        Some(Self {
            id: id.0,
            subject: hold.key.subject.0,
            purpose: hold.key.purpose.name().to_owned(),
            reason: hold.reason.as_str().to_owned(),
            placed_by: hold.act.by.0,
            placed_at: text(hold.act.at),
        })
    }
}

impl From<HoldEntry> for LegalHoldBody {
    fn from(entry: HoldEntry) -> Self {
        Self {
            id: entry.id,
            subject: entry.subject,
            purpose: entry.purpose,
            reason: entry.hold_reason,
            placed_by: entry.held_by,
            placed_at: rfc3339(entry.held_at),
        }
    }
}

/// A page of holds.
#[derive(Serialize, ToSchema)]
pub(super) struct LegalHoldPage {
    items: Vec<LegalHoldBody>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

fn text(at: Timestamp) -> String {
    rfc3339(moment(at))
}
