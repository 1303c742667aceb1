//! The raw limit: the product's own append statement on the product's own tables, asked by `pgbench` over one
//! connection, as many appends a statement as our writer had in its groups.
//!
//! Only the ids are made anew in each statement; payloads are constants of the same length, so the server is spared
//! reading them. What is sent to the server is one line.
use crate::server::{PORT, Place, USER};
use crate::vital::{LONG, LONG_STREAMS, STREAMS, stream};
use infra_event_store::statements;
use platform::Failure;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// The settings that our writer gives its connection.
const WRITER: &str = "-c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off \
    -c enable_seqscan=off -c enable_bitmapscan=off -c jit=off";

/// What one statement appends.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub appends: u64,
    /// Events of each append.
    pub events: u64,
    /// Bytes of an event's payload and metadata.
    pub payload: i32,
    pub meta: i32,
}

/// Events a second.
pub async fn run(place: &Place, folder: &Path, group: Group, seconds: u64) -> Result<f64, Failure> {
    #[expect(clippy::cast_precision_loss, reason = "seconds that were given")]
    let tps = pgbench(place, folder, &statement(group)?, 1, seconds as f64).await?;
    Ok(tps * f64::from(u32::try_from(group.appends * group.events)?))
}

/// What is read, by the product's own statements on the product's own tables. The server packs every page and throws it
/// away: what is sent to nobody, taken apart by nobody and opened by nobody.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// Seeded streams of so many events, by four at once; streams a second.
    Streams { events: u32 },
    /// Pages of the log between these transactions, by two at once; events a second.
    Log { first: i64, last: i64 },
}

/// Events of one page of the log.
const PAGE: f64 = 500.0;

/// Reads for so many seconds.
pub async fn read(place: &Place, folder: &Path, read: Read, seconds: f64) -> Result<f64, Failure> {
    match read {
        Read::Streams { events } => {
            let (first, last) =
                if u64::from(events) == LONG { (0, LONG_STREAMS - 1) } else { (LONG_STREAMS, STREAMS - 1) };
            let id =
                format!("('{}'::uuid)", stream(0)).replace("000000000000'", "' || lpad(to_hex(:n::bigint), 12, '0')");
            let id = id.replace("::uuid)", ")::uuid");
            let read =
                written_out("READ_STREAMS", &[format!("array[{id}]"), "array[0]".into(), "array[10000]".into()])?;
            let script =
                format!("\\set n random({first}, {last})\nselect length(packed) from ({read}) page(n, packed);\n");
            pgbench(place, folder, &script, 4, seconds).await
        }
        Read::Log { first, last } => {
            let at = ["1".to_owned(), ":tx".to_owned(), "0".to_owned(), format!("{PAGE}")];
            let read = written_out("READ_ALL", &at)?;
            let script = format!(
                "\\set tx random({first}, {last})\n\
                 select length(packed) from ({read}) page(packed);\n"
            );
            Ok(pgbench(place, folder, &script, 2, seconds).await? * PAGE)
        }
    }
}

/// Scripts a second.
async fn pgbench(place: &Place, folder: &Path, text: &str, clients: u32, seconds: f64) -> Result<f64, Failure> {
    let script = folder.join("floor.pgbench");
    tokio::fs::write(&script, text).await?;
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .args([format!("--client={clients}"), format!("--time={:.0}", seconds.ceil().max(1.0))])
        .args([format!("--host={}", place.0.display()), format!("--port={PORT}")])
        .args(["--username", USER, "--file"])
        .arg(&script)
        .arg("floor")
        .env("PGOPTIONS", WRITER)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("pgbench: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
    match tps.and_then(|line| line.split_whitespace().next()) {
        Some(tps) if output.status.success() => Ok(tps.parse()?),
        _ => Err(format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The append statement with its parameters written out.
fn statement(Group { appends, events, payload, meta }: Group) -> Result<String, Failure> {
    let all = appends * events;
    let fill = |value: &str, count: u64| format!("array_fill({value}, array[{count}])");
    let each =
        |value: &str| format!("(select array_agg(({value})::int order by n) from generate_series(0, {}) n)", all - 1);
    let hash = |byte: &str| format!("decode(repeat('{byte}', 32), 'hex')");
    let bytes = |length: i32| format!("decode(repeat('a5', {length}), 'hex')");
    let (name, parameters) = if all == 1 {
        let parameters = [
            "1::int2",
            "(select streams[1] from made)",
            "(select commands[1] from made)",
            "(select commands[1] from made)",
            "null::bytea",
            "1::int2",
            "1::int2",
            "'2026-01-01'::timestamptz",
            &bytes(meta),
            &bytes(payload),
            &hash("11"),
        ];
        ("APPEND_FIRST", parameters.map(str::to_owned).to_vec())
    } else {
        let heads = [
            "1".to_owned(),
            "(select streams from made)".to_owned(),
            fill("0", appends),
            fill(&hash("00"), appends),
            fill(&format!("{events}"), appends),
            fill(&hash("11"), appends),
            format!("(select array_agg(n::int order by n) from generate_series(1, {appends}) n)"),
            "(select commands from made)".to_owned(),
            fill(&format!("{events}"), appends),
            "(select commands from made)".to_owned(),
            fill("null::bytea", appends),
        ];
        let recorded = [
            each(&format!("n / {events} + 1")),
            each(&format!("n % {events} + 1")),
            fill("1::int2", all),
            fill("1::int2", all),
            fill("'2026-01-01'::timestamptz", all),
            fill(&bytes(meta), all),
            fill(&bytes(payload), all),
            fill(&hash("11"), all),
        ];
        let keys = std::iter::repeat_n("'{}'".to_owned(), 8);
        ("APPEND", heads.into_iter().chain(keys).chain(recorded).collect())
    };
    let text = written_out(name, &parameters)?;
    let made = format!(
        "with made as materialized (select array_agg(uuidv7()) as streams, array_agg(uuidv7()) as commands \
         from generate_series(1, {appends})), "
    );
    let body = text.trim_start().strip_prefix("with ").ok_or("the append statement begins otherwise")?;
    Ok(format!("{made}{body};\n"))
}

/// One of the store's statements with its parameters written out.
fn written_out(name: &str, parameters: &[String]) -> Result<String, Failure> {
    let (_, sql) = statements::ALL.iter().find(|(of, _)| *of == name).ok_or("there is no such statement")?;
    let mut text: String = sql.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ");
    for (index, parameter) in parameters.iter().enumerate().rev() {
        text = text.replace(&format!("${}", index + 1), &format!("({parameter})"));
    }
    if text.contains('$') {
        return Err(format!("{name} has other parameters than the floor knows").into());
    }
    Ok(text)
}
