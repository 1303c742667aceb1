//! The events of a clinical result.
use super::{ResultsCodec, encoded, malformed, unknown, unreadable};
use crate::stored::records::{
    ClinicalContent, ClinicalRevision, ClinicalWithdrawal, ResultCompleted, ResultCreated, ResultReleased,
    ResultRevised, ResultWithdrawn,
};
use crate::stored::{ClearEvent, types};
use domain_kernel::ports::Purpose;
use domain_kernel::{BoxFuture, EventTypeId, RecordedEvent, Sensitive, UserId};
use domain_results::{
    ClinicalResultEvent, Content, EmailAddress, PatientName, Reason, ResultNumber, ResultStatus, ResultText,
};
use infra_contracts::SealedBytes;
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use uuid::Uuid;

impl EventCodec<ClinicalResultEvent> for ResultsCodec {
    fn encode<'a>(
        &'a self,
        event: &'a ClinicalResultEvent,
        slot: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(self.encode_clinical(event, slot))
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<ClinicalResultEvent, CodecError>> {
        Box::pin(self.decode_clinical(event))
    }
}

impl ResultsCodec {
    async fn encode_clinical(&self, event: &ClinicalResultEvent, slot: &EventSlot) -> Result<EncodedEvent, CodecError> {
        match event {
            ClinicalResultEvent::Created { number, patient_id, status, content, contact } => {
                let type_id = types::RESULT_CREATED;
                let (sealed_clinical, sealed_contact) = futures_util::try_join!(
                    self.seal_content(type_id, *patient_id, slot, content),
                    self.seal_contact(type_id, *patient_id, slot, contact.as_ref()),
                )?;
                let (patient_id, status) = (patient_id.map(|id| id.0), status.name().to_owned());
                let number = number.get();
                encoded(type_id, &ResultCreated { number, status, patient_id, sealed_clinical, sealed_contact })
            }
            ClinicalResultEvent::Completed { number } => {
                encoded(types::RESULT_COMPLETED, &ResultCompleted { number: number.get() })
            }
            ClinicalResultEvent::Released { number, patient_id, contact } => {
                let type_id = types::RESULT_RELEASED;
                let sealed_contact = self.seal_contact(type_id, *patient_id, slot, contact.as_ref()).await?;
                let patient_id = patient_id.map(|id| id.0);
                encoded(type_id, &ResultReleased { number: number.get(), patient_id, sealed_contact })
            }
            ClinicalResultEvent::Amended { number, patient_id, content, reason, contact } => {
                let revision = Revised { number: *number, patient_id: *patient_id, content, reason };
                self.encode_revision(types::RESULT_AMENDED, slot, revision, contact.as_ref()).await
            }
            ClinicalResultEvent::Corrected { number, patient_id, content, reason, contact } => {
                let revision = Revised { number: *number, patient_id: *patient_id, content, reason };
                self.encode_revision(types::RESULT_CORRECTED, slot, revision, contact.as_ref()).await
            }
            ClinicalResultEvent::Cancelled { number, patient_id, reason } => {
                self.encode_withdrawal(types::RESULT_CANCELLED, slot, *number, *patient_id, reason).await
            }
            ClinicalResultEvent::EnteredInError { number, patient_id, reason } => {
                self.encode_withdrawal(types::RESULT_ENTERED_IN_ERROR, slot, *number, *patient_id, reason).await
            }
        }
    }

    async fn seal_content(
        &self,
        type_id: EventTypeId,
        patient_id: Option<UserId>,
        slot: &EventSlot,
        content: &Content,
    ) -> Result<Option<SealedBytes>, CodecError> {
        let (Sensitive::Known(patient), Sensitive::Known(result)) = (&content.patient, &content.result) else {
            return Ok(None);
        };
        let record = ClinicalContent { patient: patient.as_str().into(), result: result.as_str().into() };
        self.seal(type_id, patient_id, Purpose::Clinical, slot, &record).await.map(Some)
    }

    async fn encode_revision(
        &self,
        type_id: EventTypeId,
        slot: &EventSlot,
        revised: Revised<'_>,
        contact: Option<&Sensitive<EmailAddress>>,
    ) -> Result<EncodedEvent, CodecError> {
        let Revised { number, patient_id, content, reason } = revised;
        let clinical = async {
            let (Sensitive::Known(patient), Sensitive::Known(result), Sensitive::Known(reason)) =
                (&content.patient, &content.result, reason)
            else {
                return Ok(None);
            };
            let record = ClinicalRevision {
                patient: patient.as_str().into(),
                result: result.as_str().into(),
                reason: reason.as_str().into(),
            };
            self.seal(type_id, patient_id, Purpose::Clinical, slot, &record).await.map(Some)
        };
        let (sealed_clinical, sealed_contact) =
            futures_util::try_join!(clinical, self.seal_contact(type_id, patient_id, slot, contact))?;
        let patient_id = patient_id.map(|id| id.0);
        encoded(type_id, &ResultRevised { number: number.get(), patient_id, sealed_clinical, sealed_contact })
    }

    async fn encode_withdrawal(
        &self,
        type_id: EventTypeId,
        slot: &EventSlot,
        number: ResultNumber,
        patient_id: Option<UserId>,
        reason: &Sensitive<Reason>,
    ) -> Result<EncodedEvent, CodecError> {
        let sealed_clinical = match reason {
            Sensitive::Erased => None,
            Sensitive::Known(reason) => {
                let record = ClinicalWithdrawal { reason: reason.as_str().into() };
                Some(self.seal(type_id, patient_id, Purpose::Clinical, slot, &record).await?)
            }
        };
        let patient_id = patient_id.map(|id| id.0);
        encoded(type_id, &ResultWithdrawn { number: number.get(), patient_id, sealed_clinical })
    }

    async fn decode_clinical(&self, event: &RecordedEvent) -> Result<ClinicalResultEvent, CodecError> {
        let clear = ClearEvent::read(event).map_err(|error| unreadable(event, &error))?;
        Ok(match clear {
            Some(ClearEvent::Created(record)) => ClinicalResultEvent::Created {
                number: result_number(event, record.number)?,
                patient_id: record.patient_id.map(UserId),
                status: record.status.parse::<ResultStatus>().map_err(|_| malformed(event, "status"))?,
                content: self.open_content(event, record.sealed_clinical.as_ref()).await?,
                contact: self.open_contact(event, record.sealed_contact.as_ref()).await?,
            },
            Some(ClearEvent::Completed(record)) => {
                ClinicalResultEvent::Completed { number: result_number(event, record.number)? }
            }
            Some(ClearEvent::Released(record)) => ClinicalResultEvent::Released {
                number: result_number(event, record.number)?,
                patient_id: record.patient_id.map(UserId),
                contact: self.open_contact(event, record.sealed_contact.as_ref()).await?,
            },
            Some(ClearEvent::Amended(record)) => {
                let (content, reason) = self.open_revision(event, record.sealed_clinical.as_ref()).await?;
                ClinicalResultEvent::Amended {
                    number: result_number(event, record.number)?,
                    patient_id: record.patient_id.map(UserId),
                    content,
                    reason,
                    contact: self.open_contact(event, record.sealed_contact.as_ref()).await?,
                }
            }
            Some(ClearEvent::Corrected(record)) => {
                let (content, reason) = self.open_revision(event, record.sealed_clinical.as_ref()).await?;
                ClinicalResultEvent::Corrected {
                    number: result_number(event, record.number)?,
                    patient_id: record.patient_id.map(UserId),
                    content,
                    reason,
                    contact: self.open_contact(event, record.sealed_contact.as_ref()).await?,
                }
            }
            Some(ClearEvent::Cancelled(record)) => {
                let (number, patient_id, reason) = self.decode_withdrawal(event, record).await?;
                ClinicalResultEvent::Cancelled { number, patient_id, reason }
            }
            Some(ClearEvent::EnteredInError(record)) => {
                let (number, patient_id, reason) = self.decode_withdrawal(event, record).await?;
                ClinicalResultEvent::EnteredInError { number, patient_id, reason }
            }
            Some(
                ClearEvent::Queried(_)
                | ClearEvent::Listed(_)
                | ClearEvent::PatientNotified(_)
                | ClearEvent::PatientNotificationFailed(_)
                | ClearEvent::PatientNotificationSuppressed(_),
            )
            | None => return Err(unknown(event)),
        })
    }

    async fn open_content(&self, event: &RecordedEvent, sealed: Option<&SealedBytes>) -> Result<Content, CodecError> {
        let Some(sealed) = sealed else { return Ok(Content::ERASED) };
        match self.open::<ClinicalContent>(event, Purpose::Clinical, sealed).await? {
            None => Ok(Content::ERASED),
            Some(record) => content(event, &record.patient, &record.result),
        }
    }

    async fn open_revision(
        &self,
        event: &RecordedEvent,
        sealed: Option<&SealedBytes>,
    ) -> Result<(Content, Sensitive<Reason>), CodecError> {
        let erased = (Content::ERASED, Sensitive::Erased);
        let Some(sealed) = sealed else { return Ok(erased) };
        match self.open::<ClinicalRevision>(event, Purpose::Clinical, sealed).await? {
            None => Ok(erased),
            Some(record) => {
                Ok((content(event, &record.patient, &record.result)?, known_reason(event, &record.reason)?))
            }
        }
    }

    async fn decode_withdrawal(
        &self,
        event: &RecordedEvent,
        record: ResultWithdrawn,
    ) -> Result<(ResultNumber, Option<UserId>, Sensitive<Reason>), CodecError> {
        let opened = match &record.sealed_clinical {
            None => None,
            Some(sealed) => self.open::<ClinicalWithdrawal>(event, Purpose::Clinical, sealed).await?,
        };
        let reason = opened.map_or(Ok(Sensitive::Erased), |opened| known_reason(event, &opened.reason))?;
        Ok((result_number(event, record.number)?, record.patient_id.map(|id: Uuid| UserId(id)), reason))
    }
}

/// What a revision says, but for the address.
struct Revised<'a> {
    number: ResultNumber,
    patient_id: Option<UserId>,
    content: &'a Content,
    reason: &'a Sensitive<Reason>,
}

fn content(event: &RecordedEvent, patient: &str, result: &str) -> Result<Content, CodecError> {
    let patient = PatientName::parse(patient).map_err(|_| malformed(event, "sealed_clinical.patient"))?;
    let result = ResultText::parse(result).map_err(|_| malformed(event, "sealed_clinical.result"))?;
    Ok(Content { patient: patient.into(), result: result.into() })
}

fn known_reason(event: &RecordedEvent, reason: &str) -> Result<Sensitive<Reason>, CodecError> {
    Reason::parse(reason).map(Sensitive::Known).map_err(|_| malformed(event, "sealed_clinical.reason"))
}

fn result_number(event: &RecordedEvent, number: i64) -> Result<ResultNumber, CodecError> {
    ResultNumber::new(number).map_err(|_| malformed(event, "number"))
}
