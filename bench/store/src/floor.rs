//! The raw limit: the product's own append statement on the product's own tables, asked by `pgbench` over one
//! connection, as many appends a statement as our writer had in its groups.
//!
//! Only the ids are made anew in each statement; payloads are constants of the same length, so the server is spared
//! reading them. What is sent to the server is one line.
use crate::server::{PORT, Place, USER};
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
    let script = folder.join("append.pgbench");
    tokio::fs::write(&script, statement(group)?).await?;
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--client=1", "--jobs=1"])
        .args([format!("--time={seconds}"), format!("--host={}", place.0.display()), format!("--port={PORT}")])
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
        Some(tps) if output.status.success() => {
            Ok(tps.parse::<f64>()? * f64::from(u32::try_from(group.appends * group.events)?))
        }
        _ => Err(format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The append statement with its parameters written out.
fn statement(Group { appends, events, payload, meta }: Group) -> Result<String, Failure> {
    let (_, append) = statements::ALL.iter().find(|(name, _)| *name == "APPEND").ok_or("there is no append")?;
    let all = appends * events;
    let fill = |value: &str, count: u64| format!("array_fill({value}, array[{count}])");
    let each =
        |value: &str| format!("(select array_agg(({value})::int order by n) from generate_series(0, {}) n)", all - 1);
    let hash = |byte: &str| format!("decode(repeat('{byte}', 32), 'hex')");
    let bytes = |length: i32| format!("decode(repeat('a5', {length}), 'hex')");
    let parameters = [
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
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        "'{}'".to_owned(),
        each(&format!("n / {events} + 1")),
        each(&format!("n % {events} + 1")),
        fill("1::int2", all),
        fill("1::int2", all),
        fill("'2026-01-01'::timestamptz", all),
        fill(&bytes(meta), all),
        fill(&bytes(payload), all),
        fill(&hash("11"), all),
    ];
    let mut text: String = append.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ");
    for (index, parameter) in parameters.iter().enumerate().rev() {
        text = text.replace(&format!("${}::", index + 1), &format!("({parameter})::"));
    }
    if text.contains('$') {
        return Err("the append statement has other parameters than the floor knows".into());
    }
    let made = format!(
        "with made as materialized (select array_agg(uuidv7()) as streams, array_agg(uuidv7()) as commands \
         from generate_series(1, {appends})), "
    );
    let body = text.trim_start().strip_prefix("with ").ok_or("the append statement begins otherwise")?;
    Ok(format!("{made}{body};\n"))
}
