//! What is in the database.
use crate::lab::Lab;
use infra_event_store::projection;
use serde_json::json;
use sqlx::{Executor, Row};

#[tokio::test]
async fn every_statement_is_one_that_postgresql_takes() {
    let lab = Lab::demo().await;
    for (name, statement) in service_users::statements() {
        let prepared = (&lab.database.pool).prepare(sqlx::SqlStr::from_static(statement)).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}

#[tokio::test]
async fn names_addresses_and_passwords_are_nowhere_in_the_clear() {
    let lab = Lab::with_root().await;
    let body = json!({
        "username": "usuariosecreto", "password": "clavesecreta", "full_name": "Ana Secreta",
        "email": "secreta@laboratorio.cl",
    });
    let path = lab.register(body).await.expect(201).header("location");
    let session = lab.log_in("usuariosecreto", "clavesecreta").await;
    lab.try_log_in("usuariosecreto", "otraclavesecreta").await.expect(401);
    let root = lab.root().await;
    lab.listed(root, "/users?role=1", 1).await;
    lab.send(root, "DELETE", &format!("{path}?reason=motivosecreto"), None).await.expect(204);

    let tables = sqlx::query("select table_name from information_schema.tables where table_schema = 'public'")
        .fetch_all(&lab.database.pool)
        .await
        .unwrap();
    assert!(tables.len() >= 8);
    for table in tables {
        let table: String = table.get(0);
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("select t::text as line from \"{table}\" t")))
            .fetch_all(&lab.database.pool)
            .await
            .unwrap();
        for row in rows {
            let line: String = row.get("line");
            for secret in ["secret", session.refresh.as_str(), &hex("secret")] {
                assert!(!line.to_lowercase().contains(&secret.to_lowercase()), "{table}: {line}");
            }
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_list_can_be_folded_again_from_the_events() {
    let lab = Lab::with_root().await;
    let user = lab.user("usuario2").await;
    let root = lab.root().await;
    let path = format!("/users/{user}");
    let change = json!({"role": 2, "full_name": "Ana Soto", "email": "ana@laboratorio.cl"});
    lab.send(root, "PATCH", &path, Some(change)).await.expect(200);
    lab.send(root, "DELETE", &path, None).await.expect(204);
    lab.listed(root, "/users?status=deactivated&role=2", 1).await;
    for read_model in service_users::projections() {
        let equality =
            projection::verify(&*read_model, &*lab.resources.store, &lab.database.pool, |_| ()).await.unwrap();
        assert!(equality.is_equal(), "{equality:?}");
    }
}
