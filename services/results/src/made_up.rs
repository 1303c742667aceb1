//! Made-up history: results with everything that happens to them, for demos and for rebuilds at size.
//!
//! It is written as the service writes: the same codec, sealed, chained, each result under a running number of its own.
//! A chart is one result: filed as preliminary, released, amended and corrected, looked at, listed, and its patient
//! told in the end. No event holds an address.
use crate::codec::ResultsCodec;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Claim, Clock, EventStore, StoreError};
use domain_kernel::{
    Actor, CommandId, CorrelationId, DomainEvent, EventId, EventMetadata, Head, NewEvent, Role, StreamId, Timestamp,
    UserId, Version,
};
use domain_results::result_access::{listing_stream, query_stream};
use domain_results::result_notification::notification_stream;
use domain_results::{
    Access, ClinicalResultEvent, Content, Note, PatientName, Reader, Reason, ResultAccessEvent,
    ResultNotificationEvent, ResultNumber, ResultStatus, ResultText,
};
use futures_util::{StreamExt, TryStreamExt};
use infra_event_store::codec::{CodecError, EventCodec, EventSlot};
use infra_event_store::{BlindIndex, Progress};
use std::sync::Arc;
use uuid::Uuid;

/// Events of a whole chart.
const CHART: u64 = 20;
/// Of them, looks at the result.
const LOOKS: u64 = 10;
/// Of them, pages of lists.
const PAGES: u64 = 3;
/// Charts that are written at the same time, so that the store always has a group to write.
const AT_ONCE: usize = 64;
/// Patients, each with keys of their own.
const PATIENTS: u64 = 1_000;
/// All of it happened within this time, in microseconds: a year.
const SPAN: i64 = 365 * 24 * 60 * 60 * 1_000_000;
/// Between two events of a chart, in microseconds: a minute.
const STEP: i64 = 60 * 1_000_000;

/// Why made-up history was not written to its end; what was written stays.
#[derive(Debug, thiserror::Error)]
pub enum MadeUpError {
    /// The store did not take it.
    #[error("the event store did not take made-up events")]
    Store(#[from] StoreError),
    /// It could not be encoded or sealed.
    #[error("made-up events could not be encoded")]
    Codec(#[from] CodecError),
    /// Somebody else wrote to the same stream, which nobody knows of.
    #[error("a made-up stream was there already")]
    Taken,
}

/// Writes made-up history.
pub struct MadeUpHistory {
    store: Arc<dyn EventStore>,
    codec: ResultsCodec,
    blind_index: BlindIndex,
    clock: Arc<dyn Clock>,
}

/// One result and who has to do with it.
struct Chart {
    result: StreamId,
    number: ResultNumber,
    claim: Claim,
    patient: UserId,
    reader: Reader,
    begun: Timestamp,
    correlation: CorrelationId,
    /// How many of its events are still to be written.
    left: u64,
}

impl MadeUpHistory {
    /// Into `store`, sealed by `codec`.
    #[must_use]
    pub fn new(
        store: Arc<dyn EventStore>,
        codec: ResultsCodec,
        blind_index: BlindIndex,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, codec, blind_index, clock }
    }

    /// Appends exactly `events` events.
    ///
    /// # Errors
    /// [`MadeUpError`].
    pub async fn append(&self, events: u64, mut progress: impl FnMut(Progress) + Send) -> Result<(), MadeUpError> {
        let charts = events.div_ceil(CHART);
        let first = self.clock.now().0 - SPAN;
        let pause = SPAN / i64::try_from(charts.max(1)).unwrap_or(i64::MAX);
        let mut written = futures_util::stream::iter(0..charts)
            .map(|index| {
                let begun = Timestamp(first + pause * i64::try_from(index).unwrap_or_default());
                self.chart(index, begun, CHART.min(events - index * CHART))
            })
            .buffer_unordered(AT_ONCE);
        let mut done = 0;
        while let Some(chart) = written.try_next().await? {
            done += chart;
            progress(Progress { done, total: events });
        }
        Ok(())
    }

    /// Writes the first `length` events of a chart; gives how many that are.
    async fn chart(&self, index: u64, begun: Timestamp, length: u64) -> Result<u64, MadeUpError> {
        let number = i64::try_from(self.store.next_number().await?).unwrap_or(i64::MAX);
        let number = ResultNumber::new(number)
            .map_err(|_| StoreError::Damaged { reason: "the store gave a number that is none".to_owned() })?;
        let person = |kind: &str, number: u64| {
            UserId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("historia/made-up/{kind}/{number}").as_bytes()))
        };
        let mut chart = Chart {
            result: StreamId(self.clock.unique_id()),
            number,
            claim: crate::app::number_claim(&self.blind_index, number),
            patient: person("patient", index % PATIENTS),
            reader: Reader { user: UserId(self.clock.unique_id()), role: Role::Physician },
            begun,
            correlation: CorrelationId(self.clock.unique_id()),
            left: length,
        };
        let (result, reader) = (chart.result, chart.reader.user);
        let clinical = clinical(&chart, index);
        let claim = chart.claim;
        self.stream(&mut chart, result, clinical, Some(claim), None).await?;
        let looks = looks(&chart);
        self.stream(&mut chart, query_stream(result, reader, begun), looks, None, None).await?;
        let pages = (0..PAGES).map(|_| ResultAccessEvent::Listed { reader: chart.reader, shown: 10 }).collect();
        self.stream(&mut chart, listing_stream(reader, begun), pages, None, None).await?;
        let told = told(&chart, index);
        // What is heard of a mail answers a message: there has to be one.
        let message = EventId(self.clock.unique_id());
        self.stream(&mut chart, notification_stream(result), told, None, Some(message)).await?;
        Ok(length - chart.left)
    }

    /// Appends as many of `events` as the chart has left, as one command, to a stream that begins with them.
    async fn stream<E: DomainEvent + Send + Sync>(
        &self,
        chart: &mut Chart,
        stream: StreamId,
        events: Vec<E>,
        claim: Option<Claim>,
        causation_id: Option<EventId>,
    ) -> Result<(), MadeUpError>
    where
        ResultsCodec: EventCodec<E>,
    {
        let mut encoded = Vec::new();
        for (event, version) in events.iter().zip(1..) {
            if chart.left == 0 {
                break;
            }
            chart.left -= 1;
            let slot = EventSlot { event_id: EventId(self.clock.unique_id()), stream, version: Version(version) };
            let stored = self.codec.encode(event, &slot).await?;
            encoded.push(NewEvent {
                type_id: stored.type_id,
                schema_version: stored.schema_version,
                metadata: EventMetadata {
                    event_id: slot.event_id,
                    correlation_id: chart.correlation,
                    causation_id,
                    actor: Some(Actor { user: chart.reader.user, role: chart.reader.role }),
                    occurred_at: Timestamp(chart.begun.0 + STEP * i64::from(version)),
                },
                payload: stored.payload,
            });
        }
        if encoded.is_empty() {
            return Ok(());
        }
        let command = AppendCommand {
            command_id: CommandId(self.clock.unique_id()),
            digest: None,
            correlation_id: chart.correlation,
            claims: claim.into_iter().collect(),
            releases: vec![],
            events: encoded,
        };
        match self.store.append(Append { stream, expected: Head::default(), commands: vec![command] }).await? {
            AppendOutcome::Appended(_) => Ok(()),
            AppendOutcome::Stale | AppendOutcome::Duplicate(_) | AppendOutcome::ClaimTaken { .. } => {
                Err(MadeUpError::Taken)
            }
        }
    }
}

/// What happens to the result itself.
fn clinical(chart: &Chart, index: u64) -> Vec<ClinicalResultEvent> {
    let (number, patient_id) = (chart.number, Some(chart.patient));
    let content = |says: &str| made_up(index, says);
    let reason = || Reason::parse("Revisión de rutina").map_or(domain_kernel::Sensitive::Erased, Into::into);
    vec![
        ClinicalResultEvent::Created {
            number,
            patient_id,
            status: ResultStatus::Preliminary,
            content: content("Hallazgo preliminar"),
            contact: None,
        },
        ClinicalResultEvent::Released { number, patient_id, contact: None },
        ClinicalResultEvent::Amended {
            number,
            patient_id,
            content: content("Hallazgo con interpretación"),
            reason: reason(),
            contact: None,
        },
        ClinicalResultEvent::Corrected {
            number,
            patient_id,
            content: content("Hallazgo corregido"),
            reason: reason(),
            contact: None,
        },
        ClinicalResultEvent::Amended {
            number,
            patient_id,
            content: content("Hallazgo definitivo"),
            reason: reason(),
            contact: None,
        },
    ]
}

fn made_up(index: u64, says: &str) -> Content {
    let patient = PatientName::parse(&format!("Paciente Ficticio {}", index % PATIENTS));
    Content {
        patient: patient.map_or(domain_kernel::Sensitive::Erased, Into::into),
        result: ResultText::parse(says).map_or(domain_kernel::Sensitive::Erased, Into::into),
    }
}

/// Who looked at it.
fn looks(chart: &Chart) -> Vec<ResultAccessEvent> {
    (0..LOOKS)
        .map(|look| ResultAccessEvent::Queried {
            result: chart.result,
            number: chart.number,
            reader: chart.reader,
            access: if look.is_multiple_of(2) { Access::Result } else { Access::History },
        })
        .collect()
}

/// Whether the patient was told: every third has to be called.
fn told(chart: &Chart, index: u64) -> Vec<ResultNotificationEvent> {
    let note = Note {
        result: chart.result,
        notification: StreamId(chart.result.derive("made-up-notification")),
        handling_attempt: 1,
    };
    let failed = ResultNotificationEvent::PatientNotificationFailed {
        note: note.clone(),
        code: "unreachable".to_owned(),
        failed_at: chart.begun,
    };
    let last = if index.is_multiple_of(3) {
        ResultNotificationEvent::PatientNotificationSuppressed { note, reason: "no_contact".to_owned() }
    } else {
        ResultNotificationEvent::PatientNotified { note }
    };
    vec![failed, last]
}
