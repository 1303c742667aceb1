//! Why an append did not take effect. Looked up after the fact and apart from the writer, which goes on meanwhile: what
//! is found is true, even where another reason was there first.
use super::prepare::Prepared;
use super::reads::find_commands;
use crate::{failure, row, statements};
use domain_kernel::ports::{AppendOutcome, StoreError};
use domain_kernel::{CommandId, Hash, Version};
use sqlx::PgPool;
use uuid::Uuid;

type Reasons = (Option<Uuid>, Option<i32>, Option<i32>, Option<i32>, Option<Vec<u8>>, Option<i32>, i16);

/// The outcome of `append`, which had none, in a store of `epoch`.
pub(crate) async fn classify(pool: &PgPool, epoch: i16, append: &Prepared) -> Result<AppendOutcome, StoreError> {
    let commands: Vec<Uuid> = append.commands.iter().map(|command| command.id.0).collect();
    let kinds = |changes: &[super::prepare::KeyChange]| -> Vec<i16> {
        changes.iter().map(|change| change.claim.kind.0).collect()
    };
    let keys = |changes: &[super::prepare::KeyChange]| -> Vec<Hash> {
        changes.iter().map(|change| change.claim.key).collect()
    };
    let (done, taken, taken_already, head, head_hash, not_held, current_epoch): Reasons =
        sqlx::query_as(statements::CLASSIFY)
            .bind(append.stream.0)
            .bind(commands)
            .bind(kinds(&append.taking))
            .bind(keys(&append.taking))
            .bind(kinds(&append.releasing))
            .bind(keys(&append.releasing))
            .fetch_one(pool)
            .await
            .map_err(|error| failure::of_query(&error))?;
    if let Some(command) = done {
        let record = find_commands(pool.clone(), vec![CommandId(command)]).await?.pop().flatten();
        return record.map(AppendOutcome::Duplicate).ok_or_else(|| row::damaged("a done command vanished"));
    }
    if let Some(outcome) = taken.and_then(|ordinal| claim_taken(append, ordinal)) {
        return Ok(outcome);
    }
    if current_epoch != epoch {
        return Err(StoreError::Unavailable {
            reason: "another epoch was opened; the service must start again".into(),
        });
    }
    if head.map_or(Ok(Version::NONE), row::version)? != append.expected.version {
        return Ok(AppendOutcome::Stale);
    }
    if head_hash.is_some_and(|hash| hash != append.expected.hash) {
        return Err(StoreError::Malformed { reason: "the expected hash is not the stream's".into() });
    }
    // The stream's own: asked for although it has it, at the very version that has it.
    if let Some(outcome) = taken_already.and_then(|ordinal| claim_taken(append, ordinal)) {
        return Ok(outcome);
    }
    if not_held.is_some() {
        return Err(StoreError::Malformed { reason: "a key to give back is not the stream's own".into() });
    }
    // The reason is gone already (a key was given back meanwhile): decide again.
    Ok(AppendOutcome::Stale)
}

fn claim_taken(append: &Prepared, ordinal: i32) -> Option<AppendOutcome> {
    let change = append.taking.get(usize::try_from(ordinal).ok()?.checked_sub(1)?)?;
    Some(AppendOutcome::ClaimTaken { command_id: change.command, kind: change.claim.kind })
}
