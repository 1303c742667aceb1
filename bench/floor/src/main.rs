//! The same requests, answered by bare axum handlers that read and write JSON of the platform's shape and do nothing
//! else: what the machine, the load tool and HTTP leave to any service. Prints its address.
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

const ID: &str = "0198a8a0-7c11-7b6e-8e53-5a4fd0c2e9b1";
const AT: &str = "2026-11-22T10:00:01.000000Z";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let router = Router::new()
        .route("/users", post(register))
        .route("/login", post(log_in))
        .route("/results", post(file_result))
        .route("/results/{number}", get(read_result));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}

async fn register(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"id": ID, "username": body["username"]})))
}

async fn log_in(Json(body): Json<Value>) -> Json<Value> {
    Json(json!({"access_token": "none", "expires_in": 3600, "user": {"id": ID, "username": body["username"]}}))
}

async fn file_result(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let status = if body["result"].is_string() { StatusCode::CREATED } else { StatusCode::UNPROCESSABLE_ENTITY };
    (status, Json(json!({"id": ID, "number": 1, "status": "final", "created_at": AT})))
}

async fn read_result(Path(number): Path<i64>) -> Json<Value> {
    Json(json!({
        "id": ID, "number": number, "patient": "Paciente de Prueba", "result": "Resultado Positivo", "status": "final",
        "version": 1, "versions": [{"version": 1, "status": "final", "author": ID, "at": AT}], "author": ID,
        "patient_id": null, "correlation_id": ID, "created_at": AT, "updated_at": AT,
        "notification": {"state": "sent"},
    }))
}
