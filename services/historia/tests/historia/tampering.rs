//! Whoever changes history behind the platform's back is found out.
use crate::client::Client;
use crate::platform::{DataDirectory, Platform, historia};
use hyper::StatusCode;
use infra_runtime::database;
use infra_runtime::postgres::Cluster;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_is_found_with_its_position() {
    let data = DataDirectory::new();
    let platform = Platform::up(&data, &[]);
    let anybody = Client::new(&platform.url);
    for name in ["primera", "segunda", "tercera"] {
        let account = json!({"username": name, "password": "password2", "role": 1});
        assert_eq!(anybody.post("/users", account).await.status, StatusCode::CREATED);
    }
    platform.interrupt();
    assert!(historia(&data, &["replay", "verify"]).status.success());

    let (position, stream) = flip_a_byte(&data).await;
    let verified = historia(&data, &["replay", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(3), "{}", String::from_utf8_lossy(&verified.stderr));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["whole"], false);
    crate::schemas::check("replay-verify", &report);
    let users = report["services"].as_array().unwrap().iter().find(|service| service["service"] == "users").unwrap();
    assert_eq!(users["first_bad"]["position"], position, "{report}");
    assert_eq!(users["first_bad"]["stream"], stream, "{report}");
}

/// As somebody with the owner's rights would, past the trigger; in the second stream of the users service.
async fn flip_a_byte(data: &DataDirectory) -> (i64, String) {
    let cluster = Cluster::start(&data.path().join("postgres"), None, true).await.unwrap();
    let pool = database::pool(cluster.options().database("historia_users"), 1).await.unwrap();
    sqlx::raw_sql("alter table event disable trigger event_append_only").execute(&pool).await.unwrap();
    let flipped = sqlx::query_as(
        "update event set payload = set_byte(payload, 0, get_byte(payload, 0) # 1)
         where position = (select max(position) from event where version = 2) returning position, stream_id::text",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    pool.close().await;
    cluster.stop().await.unwrap();
    flipped
}
