//! What is in the database.
use crate::lab::{Lab, laboratory, patient, physician};
use crate::mailroom::Mailroom;
use infra_event_store::projection;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

const CANARIES: [&str; 4] = ["Canario Amarillo", "Hallazgo Inconfundible", "Motivo Singular", "canario@example.org"];

#[tokio::test]
async fn nothing_that_is_said_about_a_patient_is_in_any_table_in_clear() {
    let lab = Lab::open().await;
    busy_day(&lab).await;
    lab.caught_up().await;
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select table_schema::text, table_name::text from information_schema.tables
         where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&lab.resources.pool)
    .await
    .unwrap();
    let mut rows_seen = 0;
    for (schema, table) in &tables {
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("select t::text from \"{schema}\".\"{table}\" t")))
                .fetch_all(&lab.resources.pool)
                .await
                .unwrap();
        rows_seen += rows.len();
        for canary in CANARIES {
            // Binary columns show as hexadecimal digits.
            let hexadecimal: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
            let found = rows.iter().any(|row| row.contains(canary) || row.contains(&hexadecimal));
            assert!(!found, "{schema}.{table} holds a canary in clear");
        }
    }
    assert!(rows_seen > 10, "the search looked at something");
}

#[tokio::test]
async fn every_read_model_rebuilds_to_equal_rows() {
    let lab = Lab::open().await;
    busy_day(&lab).await;
    lab.caught_up().await;
    for model in service_results::projections() {
        let (store, pool) = (&*lab.resources.store, &lab.resources.pool);
        let equality = projection::verify(&*model, store, pool, |_| {}).await.unwrap();
        assert!(equality.is_equal(), "{}: {equality:?}", model.name());
        let rebuilt = projection::rebuild(&*model, store, pool, |_| {}).await.unwrap();
        assert!(rebuilt.events > 0);
        let equality = projection::verify(&*model, store, pool, |_| {}).await.unwrap();
        assert!(equality.is_equal(), "{} after its rebuild: {equality:?}", model.name());
    }
}

#[tokio::test]
async fn postgresql_prepares_every_statement() {
    let lab = Lab::open().await;
    let mut connection = lab.resources.pool.acquire().await.unwrap();
    for (name, sql) in service_results::statements() {
        if let Err(error) = connection.prepare((*sql).into_sql_str()).await {
            panic!("{name}: {error}");
        }
    }
}

/// Something of everything, with the canaries in every field that holds text about a patient.
async fn busy_day(lab: &Lab) {
    let [name, finding, reason, address] = CANARIES;
    let mailroom = Mailroom::open(&lab.resources).await;
    let body = json!({
        "patient": name, "result": finding, "patient_email": address, "patient_id": patient().user.to_string()
    });
    let first = lab.file(body.clone()).await;
    let change = json!({"result": format!("{finding} enmendado"), "reason": reason});
    lab.patch(laboratory(), &first, change).await;
    lab.patch(laboratory(), &first, json!({"status": "entered_in_error", "reason": reason})).await;
    let second = lab.file(body).await;
    lab.get(physician(), &format!("/results/{second}")).await;
    lab.get(patient(), &format!("/results/{second}/history")).await;
    lab.get(patient(), "/results").await;
    let third = lab.file(json!({"patient": name, "result": finding, "status": "preliminary"})).await;
    lab.patch(laboratory(), &third, json!({"status": "cancelled", "reason": reason})).await;
    let before = lab.events().await.len();
    mailroom.sent("result", first.parse().unwrap());
    mailroom.failed(second.parse().unwrap());
    mailroom.suppressed(third.parse().unwrap());
    infra_testkit::wait_for("the mails to be heard of", crate::lab::PATIENCE, async || {
        (lab.events().await.len() == before + 3).then_some(())
    })
    .await;
}
