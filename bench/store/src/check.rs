//! What is in a system's tables, asked past the system.
use platform::Failure;
use sqlx::PgPool;
use uuid::Uuid;

const HISTORIA: &str = "
select count(*), count(distinct tx), null::bigint,
  (select count(*) from (select from event where stream_id >= $1
    group by stream_id having count(*) <> max(version) or min(version) <> 1) gapped)
from event where stream_id >= $1";

const CQRS_ES: &str = "
select count(*), 0::bigint, sum((payload ->> 'value')::bigint)::bigint,
  (select count(*) from (select from events where aggregate_type = 'chart' and aggregate_id >= $1::text
    group by aggregate_id having count(*) <> max(sequence) or min(sequence) <> 1) gapped)
from events where aggregate_type = 'chart' and aggregate_id >= $1::text";

const ESRS: &str = "
select count(*), 0::bigint, sum((payload ->> 'value')::bigint)::bigint,
  (select count(*) from (select from chart_events where aggregate_id >= $1
    group by aggregate_id having count(*) <> max(sequence_number) or min(sequence_number) <> 1) gapped)
from chart_events where aggregate_id >= $1";

// It keeps no versions of streams.
const DISINTEGRATE: &str = "
select count(*), 0::bigint, sum((convert_from(payload, 'UTF8')::json -> 'Taken' ->> 'value')::bigint)::bigint, 0::bigint
from event where chart >= $1";

const EMMETT: &str = "
select count(*), 0::bigint, sum((message_data ->> 'value')::bigint)::bigint,
  (select count(*) from (select from emt_messages where stream_id >= 'chart-' || $1::text
    group by stream_id having count(*) <> max(stream_position) or min(stream_position) <> 1) gapped)
from emt_messages where stream_id >= 'chart-' || $1::text";

const MESSAGE_DB: &str = "
select count(*), 0::bigint, sum((data ->> 'value')::bigint)::bigint,
  (select count(*) from (select from message_store.messages where stream_name >= 'chart-' || $1::text
    group by stream_name having count(*) <> max(position) + 1 or min(position) <> 0) gapped)
from message_store.messages where stream_name >= 'chart-' || $1::text";

const SIZE: &str = "
select sum(pg_total_relation_size(c.oid))::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname in ('public', 'message_store')";

/// What was stored in new streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub events: i64,
    /// Transactions that stored them; of ours alone.
    pub groups: i64,
    /// `None` where the values are sealed.
    pub sum: Option<i64>,
    /// Streams whose versions are not 1, 2, 3 and so on.
    pub gapped: i64,
}

/// What is in the streams that begin with `lower`, an id of version 7 made just before.
pub async fn stored(pool: &PgPool, system: &str, lower: Uuid) -> Result<Stored, Failure> {
    let sql = match system {
        "historia" | "floor" => HISTORIA,
        "cqrs_es" => CQRS_ES,
        "esrs" => ESRS,
        "disintegrate" => DISINTEGRATE,
        "emmett" => EMMETT,
        "message_db" => MESSAGE_DB,
        other => return Err(format!("nobody knows the tables of {other}").into()),
    };
    let (events, groups, sum, gapped) = sqlx::query_as(sql).bind(lower).fetch_one(pool).await?;
    Ok(Stored { events, groups, sum, gapped })
}

/// Bytes of all tables with their indexes.
pub async fn size(pool: &PgPool) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar(SIZE).fetch_one(pool).await?)
}

/// The bytes of our events' payloads and metadata, on average.
pub async fn event_bytes(pool: &PgPool) -> Result<(i32, i32), Failure> {
    let asked = "select avg(octet_length(payload))::int, avg(octet_length(meta))::int from
        (select payload, meta from event limit 1000) sampled";
    Ok(sqlx::query_as(asked).fetch_one(pool).await?)
}
