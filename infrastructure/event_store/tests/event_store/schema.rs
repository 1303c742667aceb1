//! The tables, their rights, and every statement.
use super::fixture::{Fixture, store, stream};
use infra_event_store::{MIGRATIONS, statements};
use sqlx::{AssertSqlSafe, Executor};

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let fixture = store().await;
    for (name, sql) in statements::ALL {
        let prepared = fixture.pool().execute(AssertSqlSafe(format!("prepare {name} as {sql}"))).await;
        assert!(prepared.is_ok(), "{name}: {prepared:?}");
    }
}

/// The plan of a prepared statement with parameters that it knows nothing about, on tables that were just made.
async fn plan(session: &mut sqlx::PgConnection, name: &str) -> String {
    let sql = statements::ALL.iter().find(|(found, _)| *found == name).unwrap().1;
    session.execute(AssertSqlSafe(format!("prepare {name} as {sql}"))).await.unwrap();
    let parameters: i64 = sqlx::query_scalar("select cardinality(parameter_types)::bigint from pg_prepared_statements")
        .fetch_one(&mut *session)
        .await
        .unwrap();
    let nulls = vec!["null"; usize::try_from(parameters).unwrap()].join(", ");
    let explain = format!("explain execute {name}{}", if parameters == 0 { nulls } else { format!("({nulls})") });
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *session).await.unwrap();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_all_the_time_goes_by_index_from_the_first_event_on() {
    let fixture = store().await;
    let appends = ["APPEND", "APPEND_FIRST", "APPEND_NEXT"];
    let statements = ["CLASSIFY", "READ_STREAMS", "READ_ALL", "LATEST", "HEAD", "FIND_COMMANDS", "FIND_CLAIMS"];
    // These run on connections with settings of their own.
    let settled = ["READ_STREAMS", "FIND_COMMANDS", "FIND_CLAIMS"];
    for name in appends.into_iter().chain(statements) {
        let mut session = fixture.pool().acquire().await.unwrap().detach();
        session.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
        if appends.contains(&name) || settled.contains(&name) {
            let settings = "set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off;
                set enable_bitmapscan = off; set jit = off";
            session.execute(sqlx::raw_sql(settings)).await.unwrap();
        }
        let plan = plan(&mut session, name).await;
        assert!(!plan.contains("Seq Scan"), "{name} reads a whole table:\n{plan}");
        assert!(!plan.contains("Bitmap"), "{name} reads more than it needs:\n{plan}");
        let may_sort = appends.contains(&name) || name == "CLASSIFY";
        assert!(may_sort || !plan.contains("Sort"), "{name} sorts what is in order:\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_never_changed_removed_or_emptied() {
    let fixture = store().await;
    fixture.append(stream(), b"x").await;
    for sql in ["update event set payload = ''", "delete from event", "truncate event"] {
        let refused = sqlx::query(sql).execute(fixture.pool()).await.unwrap_err();
        let message = refused.as_database_error().map(|error| error.message().to_owned());
        assert_eq!(message.as_deref(), Some("events are never changed"), "{sql}");
    }
    assert_eq!(fixture.count("select count(*) from event").await, 1);
}

/// A role with the rights that the migrations grant, in one session.
async fn as_service(fixture: &Fixture, sql: &str) -> Result<(), String> {
    let mut session = fixture.pool().acquire().await.unwrap().detach();
    let set = format!("set session role service_of_{}", database_name(fixture).await);
    session.execute(AssertSqlSafe(set)).await.unwrap();
    let result = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut session).await;
    result.map(|_| ()).map_err(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

async fn database_name(fixture: &Fixture) -> String {
    let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(fixture.pool()).await.unwrap();
    name.replace(|character: char| !character.is_ascii_alphanumeric(), "_")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_s_role_may_append_and_project_but_never_change_events() {
    let fixture = store().await;
    let name = database_name(&fixture).await;
    let (_, _, grants) = MIGRATIONS.iter().find(|(_, name, _)| *name == "grants").unwrap();
    let setup = format!(
        "create role service_of_{name}; grant service_of_{name} to current_user;
         set historia.service_role = 'service_of_{name}'; {grants}
         create table later_v1 (id integer primary key)"
    );
    sqlx::raw_sql(AssertSqlSafe(setup)).execute(fixture.pool()).await.unwrap();
    for allowed in [
        "insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
         values (gen_random_uuid(), 1, 1, 1, 1, now(), '', '', decode(repeat('00', 32), 'hex')); select from event",
        "insert into stream values (gen_random_uuid(), 1, ''); update stream set version = 2; select from stream",
        "insert into command_done values (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid())",
        "insert into claim values (1, '', gen_random_uuid()); delete from claim; select max(number) from epoch",
        "select nextval('running_number')",
        "insert into checkpoint values ('x', 0, '0', 0); update checkpoint set position = 1",
        "insert into later_v1 values (1); update later_v1 set id = 2; delete from later_v1",
        "select projection_prepare('rebuild', array['later_v1']); insert into rebuild.later_v1 values (7)",
        "select projection_swap(array['later_v1']); update later_v1 set id = 8",
        "select projection_prepare('verify', array['later_v1']); select * from projection_rows('verify', 'later_v1');
         select projection_drop('verify', array['later_v1'])",
    ] {
        assert_eq!(as_service(&fixture, allowed).await, Ok(()), "{allowed}");
    }
    for refused in [
        "update event set payload = ''",
        "delete from event",
        "truncate event",
        "alter table event disable trigger all",
        "delete from stream",
        "update command_done set version = 2",
        "delete from command_done",
        "update claim set key = ''",
        "insert into epoch values (9)",
        "drop table later_v1",
    ] {
        assert_eq!(as_service(&fixture, refused).await, Err("42501".into()), "{refused}");
    }
    for refused in ["select projection_swap(array['event'])", "select projection_prepare('rebuild', array['stream'])"] {
        assert_eq!(as_service(&fixture, refused).await, Err("42P01".into()), "{refused}");
    }
    let cleanup = format!("drop owned by service_of_{name}; drop role service_of_{name}");
    sqlx::raw_sql(AssertSqlSafe(cleanup)).execute(fixture.pool()).await.unwrap();
}
