//! The gateway's own part of the API document.
use crate::table::health_paths;
use crate::{INTERNAL_KEYS_PATH, compose, dead_letters, operations, reveal};
use infra_http::ServiceApi;
use utoipa::OpenApi;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, HttpMethod, PathItem, Required, ResponseBuilder};

#[derive(OpenApi)]
#[openapi(
    paths(
        compose::dashboard,
        dead_letters::list,
        dead_letters::show,
        dead_letters::retry,
        dead_letters::skip,
        operations::status,
        operations::pause,
        operations::resume,
        reveal::reveal
    ),
    tags(
        (name = "gateway", description = "The gateway's own: health, documents, dashboard."),
        (name = "operations", description = "For operators: what could not be handled, where everything stands, what is sealed.")
    )
)]
struct Composed;

/// Every endpoint that the gateway answers itself.
pub(super) fn openapi(services: &[ServiceApi]) -> utoipa::openapi::OpenApi {
    let mut document = Composed::openapi();
    let fixed = [
        (
            INTERNAL_KEYS_PATH,
            "gateway_jwks",
            "The public keys that internal tokens are signed with",
            "A key set (RFC 7517). Services verify with it that a request came through the gateway.",
        ),
        ("/", "greeting", "The gateway runs", "A greeting with links."),
        (
            "/asyncapi.json",
            "asyncapi",
            "What services tell each other",
            "AsyncAPI 3.0; for people it is at `/docs/events`.",
        ),
        ("/docs", "docs", "This document, to read and try", "The page is at `/docs/`."),
        ("/healthz", "healthz", "Whether the gateway answers", r#"`{"status":"OK"}`"#),
        ("/livez", "livez", "Whether the gateway answers", r#"`{"status":"OK"}`"#),
        ("/openapi.json", "openapi", "This document", "OpenAPI 3.1."),
        ("/readyz", "readyz", "Whether the services answer", "`OK`, or `DEGRADED` when some do not."),
    ];
    for (path, id, summary, answer) in fixed {
        document.paths.paths.insert(path.to_owned(), simple(id, summary, answer));
    }
    for api in services {
        for path in health_paths(api.service) {
            let id = format!("health{}", path.replace('/', "_"));
            let summary = format!("Whether the {} service can work", api.service.replace('_', " "));
            document.paths.paths.insert(path, simple(&id, &summary, r#"`{"status":"OK"}`"#));
        }
    }
    document
}

fn simple(id: &str, summary: &str, answer: &str) -> PathItem {
    let media_type = "application/json";
    let content = Content::new(Some(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).build()));
    let mut operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary)).tag("gateway");
    let answered = ResponseBuilder::new().description(answer);
    operation = match id {
        // The page's own files are beside it, so its address ends with a slash.
        "docs" => operation.response("303", answered.build()),
        _ => operation.response("200", answered.content(media_type, content.clone()).build()),
    };
    if id == "readyz" || id.starts_with("health_") {
        let not_now = ResponseBuilder::new().description(r#"`{"status":"UNAVAILABLE"}`"#);
        operation = operation.response("503", not_now.content(media_type, content).build());
    }
    PathItem::new(HttpMethod::Get, operation.build())
}

/// `?include=` of a result: the gateway's doing, so the results service does not describe it.
pub(super) fn describe_include(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let one_result = path.strip_prefix("/results/{").is_some_and(|rest| !rest.contains('/'));
        if let (true, Some(operation)) = (one_result, &mut item.get) {
            let parameter = ParameterBuilder::new()
                .name("include")
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(
                    "`notifications`, `saga` or both, with a comma: what was sent about the result, and the saga that filed \
                     it. A part whose service does not answer is `{\"status\":\"unavailable\"}`.",
                ))
                .schema(Some(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build()))
                .build();
            operation.parameters.get_or_insert_default().push(parameter.into());
            let unknown = ResponseBuilder::new().description("`include` names something else.").build();
            operation.responses.responses.entry("422".to_owned()).or_insert_with(|| unknown.into());
        }
    }
}
