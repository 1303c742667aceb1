//! The events of who looked. Nothing in them is sealed: ids and numbers only.
use super::{ResultsCodec, encoded, malformed, unknown, unreadable};
use crate::stored::records::{ResultQueried, ResultsListed};
use crate::stored::{ClearEvent, types};
use domain_kernel::{BoxFuture, RecordedEvent, Role, StreamId, UserId};
use domain_results::{Access, Reader, ResultAccessEvent, ResultNumber};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use uuid::Uuid;

impl EventCodec<ResultAccessEvent> for ResultsCodec {
    fn encode<'a>(
        &'a self,
        event: &'a ResultAccessEvent,
        _: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move { encode(event) })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<ResultAccessEvent, CodecError>> {
        Box::pin(async move { decode(event) })
    }
}

fn encode(event: &ResultAccessEvent) -> Result<EncodedEvent, CodecError> {
    match event {
        ResultAccessEvent::Queried { result, number, reader, access } => {
            let record = ResultQueried {
                result_id: result.0,
                number: number.get(),
                reader: reader.user.0,
                role: reader.role.number().into(),
                access: access.name().to_owned(),
            };
            encoded(types::RESULT_QUERIED, &record)
        }
        ResultAccessEvent::Listed { reader, shown } => {
            let record = ResultsListed {
                reader: reader.user.0,
                role: reader.role.number().into(),
                shown: i32::try_from(*shown).unwrap_or(i32::MAX),
            };
            encoded(types::RESULTS_LISTED, &record)
        }
    }
}

fn decode(event: &RecordedEvent) -> Result<ResultAccessEvent, CodecError> {
    match ClearEvent::read(event).map_err(|error| unreadable(event, &error))? {
        Some(ClearEvent::Queried(record)) => Ok(ResultAccessEvent::Queried {
            result: StreamId(record.result_id),
            number: ResultNumber::new(record.number).map_err(|_| malformed(event, "number"))?,
            reader: reader(event, record.reader, record.role)?,
            access: [Access::Result, Access::History]
                .into_iter()
                .find(|access| access.name() == record.access)
                .ok_or_else(|| malformed(event, "access"))?,
        }),
        Some(ClearEvent::Listed(record)) => Ok(ResultAccessEvent::Listed {
            reader: reader(event, record.reader, record.role)?,
            shown: u32::try_from(record.shown).map_err(|_| malformed(event, "shown"))?,
        }),
        _ => Err(unknown(event)),
    }
}

fn reader(event: &RecordedEvent, user: Uuid, role: i32) -> Result<Reader, CodecError> {
    let role = Role::from_number(role.into()).map_err(|_| malformed(event, "role"))?;
    Ok(Reader { user: UserId(user), role })
}
