//! The API document, its page, the collection, and the table that all of them follow.
use crate::support::{ANA, fixture, json_of, text};
use axum::body::Body;
use axum::http::{StatusCode, header};
use domain_kernel::Role;
use infra_http::{Access, Route, route::documents};
use serde_json::Value;
use service_bff::Audience;

#[tokio::test]
async fn every_route_of_the_table_that_programs_have_is_in_the_document() {
    let fixture = fixture().await;
    let document = service_bff::openapi(&fixture.apis());
    let mut table = service_bff::authorization_table(&fixture.apis());
    table.retain(|row| row.audience == Audience::Programs);
    assert!(table.len() > 20, "{}", table.len());
    for row in &table {
        let path: &'static str = row.path.clone().leak();
        let route = Route::new(row.method.clone(), path, row.access);
        assert!(documents(&document, &route), "{} {}", row.method, row.path);
    }
    let operations: usize = serde_json::to_value(&document).unwrap()["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(operations, table.len(), "and nothing else is");
}

#[tokio::test]
async fn every_route_of_the_table_is_served_and_guarded_as_it_says() {
    let fixture = fixture().await;
    let patient = fixture.token(ANA, Role::Patient);
    for row in service_bff::authorization_table(&fixture.apis()) {
        let path = row.path.replace("{id}", "1").replace("{file}", "pages.css");
        let ask = async |token: Option<&str>| {
            let request = crate::support::request(row.method.clone(), &path, token).body(Body::empty()).unwrap();
            fixture.send(request).await.status()
        };
        let anonymous = ask(None).await;
        let (open, name) = (row.access == Access::Public, format!("{} {}", row.method, row.path));
        assert_eq!(anonymous == StatusCode::UNAUTHORIZED, !open, "{name}: {anonymous}");
        assert!(![StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&anonymous), "{name}: {anonymous}");
        let as_patient = ask(Some(&patient)).await;
        let forbidden = matches!(row.access, Access::Roles(roles) if !roles.contains(&Role::Patient));
        assert_eq!(as_patient == StatusCode::FORBIDDEN, forbidden, "{name}: {as_patient}");
    }
}

#[tokio::test]
async fn the_document_is_served_as_openapi_3_1() {
    let fixture = fixture().await;
    let response = fixture.get("/openapi.json", None).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let document = json_of(response).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://localhost:8080");
    let parameters = document["paths"]["/results/{id}"]["get"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "include"));
}

#[tokio::test]
async fn what_services_tell_each_other_is_a_document_and_a_page() {
    let fixture = fixture().await;
    let response = fixture.get("/asyncapi.json", None).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let document = json_of(response).await;
    assert_eq!(document["operations"]["notifications.receive.event-user"]["action"], "receive");
    let page = crate::browser::Browser::new(&fixture).get("/docs/events?lang=en").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("<code>users.user_created</code>"), "{}", page.body);
    assert!(page.body.contains("The user exists and may log in."), "{}", page.body);
    assert!(page.body.contains("<dd>notifications</dd>"));
}

#[tokio::test]
async fn the_greeting_leads_on() {
    let fixture = fixture().await;
    let greeting = json_of(fixture.get("/", None).await).await;
    assert_eq!(greeting["message"], "BFF Running");
    for link in ["documentation", "openapi", "asyncapi", "health", "ready"] {
        let status = fixture.status(greeting[link].as_str().unwrap(), None).await;
        assert!(status.is_success() || status.is_redirection(), "{link}: {status}");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_runs_nothing_else() {
    let fixture = fixture().await;
    let response = fixture.get("/docs/", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let page = text(response).await;
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    assert!(!page.contains("<script>"), "no script in the page itself");
    for asset in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js", "index.css"] {
        assert!(page.contains(asset) || asset == "index.css", "{asset}");
        assert_eq!(fixture.status(&format!("/docs/{asset}"), None).await, StatusCode::OK, "{asset}");
    }
    let initializer = text(fixture.get("/docs/swagger-initializer.js", None).await).await;
    assert!(initializer.contains("/openapi.json"), "{initializer}");
    let elsewhere = fixture.get("/openapi.json", None).await;
    assert_eq!(elsewhere.headers()[header::CONTENT_SECURITY_POLICY], "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn the_collection_has_every_endpoint_in_its_services_folder() {
    let fixture = fixture().await;
    let collection = service_bff::postman::collection(&service_bff::openapi(&fixture.apis()));
    let folders = collection["item"].as_array().unwrap();
    assert_eq!(folders[0]["name"], "Walk-through");
    let table = service_bff::authorization_table(&fixture.apis());
    for row in table.into_iter().filter(|row| row.audience == Audience::Programs) {
        let folder = folders.iter().find(|folder| folder["name"] == row.service.replace('_', " ")).unwrap();
        let name = Value::from(format!("{} {}", row.method, row.path));
        assert!(folder["item"].as_array().unwrap().iter().any(|item| item["name"] == name), "{name}");
    }
}
