//! A million events in every system's tables before anything is measured: the same values in the same streams, in
//! portions of ten of each stream in turn. Peers are seeded with one statement, ours through the store.
use crate::server::Server;
use crate::systems::{cqrs_es, disintegrate};
use infra_runtime::database::{MigrationSet, migrate};
use platform::Failure;
use sqlx::{AssertSqlSafe, PgPool};

/// `n` number, `k` stream, `v` version from 0, `stream` its id, `json` the vital sign: as `Vital::numbered` makes it.
const SEEDS: &str = r#"
with numbered as (
  select n, case when n < 100000 then n / 10000 else 10 + (n - 100000) / 100 end as k,
    case when n < 100000 then n % 10000 else (n - 100000) % 100 end as v
  from generate_series(0, 999999) n
), seed as (
  select n, k, v, ('01900000-0000-7000-8000-' || lpad(to_hex(k), 12, '0'))::uuid as stream,
    format('"patient":"01900000-0000-7001-8000-%s","code":"8867-4","value":%s,"unit":"/min","status":"final",'
      '"device":"monitor-%s","taken_at":%s,"note":"taken at rest, sitting"}',
      lpad(to_hex(n % 1000), 12, '0'), n % 1000, lpad((n % 100)::text, 4, '0'), 1767225600000000 + n) as json
  from numbered order by v / 10, k, v
)
"#;

const CQRS_ES: &str = "insert into events
  select 'chart', stream, v + 1, 'VitalTaken', '1.0', ('{' || json)::json, '{}' from seed";

// As if written one portion after the other.
const ESRS: &str = "insert into chart_events (id, aggregate_id, payload, occurred_on, sequence_number)
  select gen_random_uuid(), stream, ('{' || json)::jsonb, now() - interval '1 day' + v / 10 * interval '1 ms', v + 1
  from seed";

const DISINTEGRATE: &str = r#"insert into event (event_type, payload, chart)
  select 'Taken', convert_to('{"Taken":{"chart":"' || stream || '",' || json || '}', 'UTF8'), stream from seed"#;

const EMMETT: &str = r#"insert into emt_messages (stream_position, transaction_id, stream_id, message_schema_version,
    message_id, message_type, message_data, message_metadata)
  select v + 1, pg_current_xact_id(), 'chart-' || stream, '1', gen_random_uuid(), 'VitalTaken', ('{' || json)::jsonb,
    '{}' from seed;
  insert into emt_streams (stream_id, stream_position, stream_type, stream_metadata)
  select stream_id, max(stream_position), 'chart', '{}' from emt_messages group by stream_id"#;

const MESSAGE_DB: &str = "insert into message_store.messages (position, stream_name, type, data, metadata)
  select v, 'chart-' || stream, 'VitalTaken', ('{' || json)::jsonb, null from seed";

/// Makes a system's database and the tables that its own code does not make.
pub async fn database(server: &Server, system: &'static str) -> Result<PgPool, Failure> {
    let pool = server.database(system).await?;
    match system {
        "keys" => {
            migrate(&pool, &MigrationSet { name: "keys", sets: vec![infra_vault::MIGRATIONS] }, None).await?;
        }
        "historia" | "tail" => {
            let sets = vec![infra_event_store::MIGRATIONS];
            migrate(&pool, &MigrationSet { name: system, sets }, None).await?;
        }
        "cqrs_es" => {
            sqlx::raw_sql(cqrs_es::TABLES).execute(&pool).await?;
        }
        "disintegrate" => {
            sqlx::raw_sql(disintegrate::LISTENERS).execute(&pool).await?;
        }
        _ => {}
    }
    Ok(pool)
}

/// Seeds a system's tables, which are there now; ours are seeded by the worker.
pub async fn seed(pool: &PgPool, system: &str) -> Result<(), Failure> {
    let insert = match system {
        "cqrs_es" => CQRS_ES,
        "esrs" => ESRS,
        "disintegrate" => DISINTEGRATE,
        "emmett" => EMMETT,
        "message_db" => MESSAGE_DB,
        _ => "",
    };
    if !insert.is_empty() {
        // The statements are constants of this module.
        sqlx::raw_sql(AssertSqlSafe(format!("{SEEDS}{insert}"))).execute(pool).await?;
    }
    sqlx::raw_sql("vacuum (analyze)").execute(pool).await?;
    Ok(())
}
