//! Databases, roles and migrations on a real server.
use crate::scratch::{cluster, code, superuser};
use infra_runtime::database::{
    Contents, Migration, MigrationError, MigrationSet, MigrationState, create_database, create_role, database_contents,
    migrate, pool, server_contents, status, wait_for_schema,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use std::time::{Duration, Instant};

const STORE: &[Migration] = &[(1, "notes", "create table note (id int primary key, text text not null)")];
const GRANTS: &[Migration] = &[
    (1001, "views", "create table note_count_v1 (n int not null)"),
    (
        1002,
        "grants",
        "do $$ begin if coalesce(current_setting('historia.service_role', true), '') <> '' then
         execute format('grant select, insert on note to %I', current_setting('historia.service_role'));
         end if; end $$",
    ),
];

fn set(sets: &[&'static [Migration]]) -> MigrationSet {
    MigrationSet { name: "notes", sets: sets.to_vec() }
}

#[tokio::test]
async fn migrations_are_applied_once_in_order_by_whoever_comes_first() {
    let (cluster, _directory) = cluster().await;
    let owner = superuser(&cluster).await;
    let set = set(&[GRANTS, STORE]);
    let (first, second) = tokio::join!(migrate(&owner, &set, None), migrate(&owner, &set, None));
    let mut applied = [first.unwrap(), second.unwrap()].concat();
    applied.sort_unstable();
    assert_eq!(applied, [1, 1001, 1002]);
    assert_eq!(migrate(&owner, &set, None).await.unwrap(), [0_i64; 0]);
    let states: Vec<_> = status(&owner, &set).await.unwrap().into_iter().map(|one| (one.version, one.state)).collect();
    assert_eq!(states, [1, 1001, 1002].map(|version| (version, MigrationState::Applied)));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_not_this_binarys_is_refused_and_left_alone() {
    const CHANGED: &[Migration] = &[(1, "notes", "create table note (id bigint primary key)"), (2, "more", "select 1")];
    const BROKEN: &[Migration] = &[(2000, "broken", "create table half (n int); select * from nowhere")];
    const TWICE: &[Migration] = &[(1, "another", "select 1")];
    let (cluster, _directory) = cluster().await;
    let owner = superuser(&cluster).await;
    let all = set(&[STORE, GRANTS]);
    migrate(&owner, &all, None).await.unwrap();

    let changed = migrate(&owner, &set(&[CHANGED, GRANTS]), None).await.unwrap_err();
    assert!(matches!(&changed, MigrationError::Changed { version: 1, .. }), "{changed}");
    let newer = migrate(&owner, &set(&[STORE]), None).await.unwrap_err();
    assert!(matches!(&newer, MigrationError::Newer { version: 1001, .. }), "{newer}");
    let broken = migrate(&owner, &set(&[STORE, GRANTS, BROKEN]), None).await.unwrap_err();
    assert!(matches!(&broken, MigrationError::Failed { version: 2000, .. }), "{broken}");
    let half: Option<String> = sqlx::query_scalar("select to_regclass('half')::text").fetch_one(&owner).await.unwrap();
    assert_eq!(half, None, "nothing of a migration that failed stays");
    let twice = migrate(&owner, &set(&[STORE, TWICE]), None).await.unwrap_err();
    assert!(matches!(&twice, MigrationError::Twice { version: 1, .. }), "{twice}");
    for error in [changed, newer, broken, twice] {
        assert!(!error.to_string().contains('\n'), "{error}");
    }

    let begun = Instant::now();
    let newer = wait_for_schema(&owner, &set(&[STORE]), Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(newer, MigrationError::Newer { .. }) && begun.elapsed() < Duration::from_secs(10), "{newer}");
    assert_eq!(status(&owner, &all).await.unwrap().len(), 3, "nothing was applied by those that were refused");
    cluster.stop().await.unwrap();
}

async fn connect(options: &PgConnectOptions, role: &str, database: &str) -> PgPool {
    pool(options.clone().username(role).password(&password(role)).database(database), 2).await.unwrap()
}

fn password(role: &str) -> String {
    format!("it's {role}'s \\password")
}

#[tokio::test]
async fn a_service_waits_for_the_owner_and_has_only_what_was_granted() {
    let (cluster, _directory) = cluster().await;
    let admin = superuser(&cluster).await;
    for role in ["notes_owner", "notes_service", "stranger"] {
        create_role(&admin, role, &password(role), None).await.unwrap();
    }
    assert!(create_database(&admin, "notes", "notes_owner").await.unwrap());
    assert!(!create_database(&admin, "notes", "notes_owner").await.unwrap());
    create_role(&admin, "notes_service", &password("notes_service"), Some("notes")).await.unwrap();
    let owner = connect(&cluster.options(), "notes_owner", "notes").await;
    let service = connect(&cluster.options(), "notes_service", "notes").await;
    let set = set(&[STORE, GRANTS]);

    let missing = wait_for_schema(&service, &set, Duration::ZERO).await.unwrap_err();
    assert!(matches!(&missing, MigrationError::NotMigrated { missing: 3, .. }), "{missing}");
    let (waited, migrated) = tokio::join!(
        wait_for_schema(&service, &set, Duration::from_secs(30)),
        migrate(&owner, &set, Some("notes_service"))
    );
    waited.unwrap();
    assert_eq!(migrated.unwrap(), [1, 1001, 1002]);

    sqlx::query("insert into note values (1, 'x')").execute(&service).await.unwrap();
    for refused in ["delete from note", "create table mine (n int)", "delete from schema_migration"] {
        let error = sqlx::query(refused).execute(&service).await.unwrap_err();
        assert_eq!(code(&error).as_deref(), Some("42501"), "{refused}");
    }
    let stranger = cluster.options().username("stranger").password(&password("stranger")).database("notes");
    let refused = pool(stranger, 1).await.unwrap_err().to_string();
    assert!(refused.contains("notes") && refused.contains("permission denied"), "{refused}");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_role_that_cannot_be_made_does_not_show_its_password() {
    let (cluster, _directory) = cluster().await;
    let admin = superuser(&cluster).await;
    create_role(&admin, "weak", "first-password", None).await.unwrap();
    let weak = cluster.options().username("weak").password("first-password");
    let weak = pool(weak, 1).await.unwrap();
    let error = create_role(&weak, "historia", "second-password", None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("second-password"), "{error:?}");
    cluster.stop().await.unwrap();
    let log = std::fs::read_to_string(cluster.directory().join("postgres.log")).unwrap();
    assert!(log.contains("historia") && !log.contains("-password"), "{log}");
}

#[tokio::test]
async fn foreign_data_is_told_from_ours() {
    let (cluster, _directory) = cluster().await;
    let admin = superuser(&cluster).await;
    let ours = ["notes"];
    assert_eq!(server_contents(&admin, &ours).await.unwrap(), Contents::Nothing);
    assert_eq!(database_contents(&admin).await.unwrap(), Contents::Nothing);
    create_database(&admin, "notes", "historia").await.unwrap();
    assert_eq!(server_contents(&admin, &ours).await.unwrap(), Contents::Ours);
    let notes = pool(cluster.options().database("notes"), 2).await.unwrap();
    migrate(&notes, &set(&[STORE]), None).await.unwrap();
    assert_eq!(database_contents(&notes).await.unwrap(), Contents::Ours);

    create_database(&admin, "accounting", "historia").await.unwrap();
    let found = vec!["accounting".to_owned()];
    assert_eq!(server_contents(&admin, &ours).await.unwrap(), Contents::Foreign { found });
    let accounting = pool(cluster.options().database("accounting"), 2).await.unwrap();
    // A table of the same name, but not our mark.
    sqlx::raw_sql("create table schema_migration (version int)").execute(&accounting).await.unwrap();
    let found = vec!["public.schema_migration".to_owned()];
    assert_eq!(database_contents(&accounting).await.unwrap(), Contents::Foreign { found });
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_pools_sessions_end_idle_transactions_and_endless_statements() {
    let (cluster, _directory) = cluster().await;
    let pool = superuser(&cluster).await;
    let settings: (String, String, String) = sqlx::query_as(
        "select current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout'),
         current_setting('application_name')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(settings, ("5s".to_owned(), "30s".to_owned(), "historia".to_owned()));
    cluster.stop().await.unwrap();
}
