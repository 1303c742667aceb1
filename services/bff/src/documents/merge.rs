//! All services' documents in one, and what the table knows of every endpoint: who may call it, how it can fail.
use super::{SERVICE_EXTENSION, own};
use crate::{NAME, authorization_table};
use axum::http::Method;
use infra_http::problem::ProblemDocument;
use infra_http::{Access, Route, ServiceApi};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder, Schema, Tag,
};
use utoipa::{PartialSchema, ToSchema};

/// The name of the security scheme: an access token as `Authorization: Bearer …`.
const BEARER: &str = "bearer";
const DESCRIPTION: &str = "A clinical platform in which every fact is history. `POST /login` gives the access token; every \
    error is an RFC 9457 problem; lists are `{\"items\":[…],\"next\":cursor}`; `Historia-Correlation-Id` names the saga that \
    a request started.";

/// The document of the whole platform, OpenAPI 3.1: the services' documents and the gateway's own, without the endpoints
/// that only services may call. The same input gives the same document.
#[must_use]
pub fn openapi(services: &[ServiceApi]) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Historia").version(env!("CARGO_PKG_VERSION")).description(Some(DESCRIPTION)))
        .components(Some(common_components()))
        .build();
    for api in services {
        let mut part = without_conflicts(&document, api);
        part.servers = None;
        part.security = None;
        for route in api.routes.iter().filter(|route| route.access == Access::Internal) {
            remove(&mut part, route);
        }
        if let Some(components) = &mut part.components {
            components.security_schemes.clear();
        }
        document.merge(part);
    }
    document.merge(own::openapi(services));
    own::describe_include(&mut document);
    for row in authorization_table(services) {
        if let Some(operation) = operation(&mut document, &row.method, &row.path) {
            complete(operation, row.access, row.service);
        }
    }
    let mut tags: BTreeMap<String, Tag> = BTreeMap::new();
    for tag in document.tags.take().unwrap_or_default() {
        tags.entry(tag.name.clone()).or_insert(tag);
    }
    document.tags = Some(tags.into_values().collect());
    document
}

fn common_components() -> Components {
    let mut schemas: Vec<(String, RefOr<Schema>)> =
        vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut schemas);
    let mut components = Components::default();
    components.schemas.extend(schemas);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(scheme).into());
    components
}

/// A service's document; a schema whose name stands for something else already gets the service's name in front.
fn without_conflicts(document: &OpenApi, api: &ServiceApi) -> OpenApi {
    let known = document.components.as_ref().map(|components| &components.schemas);
    let own = api.openapi.components.as_ref().map(|components| &components.schemas);
    let conflicts: Vec<&String> = own
        .into_iter()
        .flatten()
        .filter(|(name, schema)| known.and_then(|known| known.get(*name)).is_some_and(|other| other != *schema))
        .map(|(name, _)| name)
        .collect();
    if conflicts.is_empty() {
        return api.openapi.clone();
    }
    let renamed: BTreeMap<String, String> = conflicts
        .into_iter()
        .map(|name| (format!("#/components/schemas/{name}"), format!("#/components/schemas/{}_{name}", api.service)))
        .collect();
    let Ok(mut text) = serde_json::to_value(&api.openapi) else { return api.openapi.clone() };
    rename(&mut text, &renamed);
    if let Some(Value::Object(schemas)) = text.pointer_mut("/components/schemas") {
        for (from, to) in &renamed {
            let short = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
            if let Some(schema) = schemas.remove(&short(from)) {
                schemas.insert(short(to), schema);
            }
        }
    }
    serde_json::from_value(text).unwrap_or_else(|_| api.openapi.clone())
}

fn rename(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => {
                        if let Some(other) = renamed.get(target) {
                            other.clone_into(target);
                        }
                    }
                    _ => rename(member, renamed),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| rename(element, renamed)),
        _ => {}
    }
}

fn remove(document: &mut OpenApi, route: &Route) {
    if let Some(item) = document.paths.paths.get_mut(route.path) {
        if let Some(operation) = slot(item, &route.method) {
            *operation = None;
        }
        if [&item.get, &item.post, &item.put, &item.patch, &item.delete].iter().all(|operation| operation.is_none()) {
            document.paths.paths.remove(route.path);
        }
    }
}

fn operation<'d>(document: &'d mut OpenApi, method: &Method, path: &str) -> Option<&'d mut Operation> {
    slot(document.paths.paths.get_mut(path)?, method)?.as_mut()
}

fn slot<'i>(item: &'i mut PathItem, method: &Method) -> Option<&'i mut Option<Operation>> {
    match method.as_str() {
        "GET" => Some(&mut item.get),
        "POST" => Some(&mut item.post),
        "PUT" => Some(&mut item.put),
        "PATCH" => Some(&mut item.patch),
        "DELETE" => Some(&mut item.delete),
        _ => None,
    }
}

/// What the table says of an endpoint: who may call it, and the problems that follow from that.
fn complete(operation: &mut Operation, access: Access, service: &'static str) {
    let none: [&str; 0] = [];
    operation.security = Some(match access {
        // A public endpoint may know its caller all the same, where the service says so.
        Access::Public | Access::Internal if operation.security.iter().flatten().next().is_some() => {
            vec![SecurityRequirement::default(), SecurityRequirement::new(BEARER, none)]
        }
        Access::Public | Access::Internal => Vec::new(),
        Access::SignedIn | Access::Roles(_) => vec![SecurityRequirement::new(BEARER, none)],
    });
    let mut problems = vec![("429", "Too many requests.")];
    problems.extend(what_may_be_wrong(operation));
    if access != Access::Public {
        problems.push(("401", "No valid token."));
    }
    if let Access::Roles(roles) = access {
        problems.push(("403", "This role may not do this."));
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let sentence = format!("For the roles {}.", names.join(", "));
        operation.description = Some(match operation.description.take() {
            Some(text) if !text.is_empty() => format!("{text}\n\n{sentence}"),
            _ => sentence,
        });
    }
    if service != NAME {
        problems.push(("503", "The service does not answer."));
    }
    if operation.tags.as_ref().is_none_or(Vec::is_empty) {
        operation.tags = Some(vec![service.to_owned()]);
    }
    operation.extensions.get_or_insert_default().insert(SERVICE_EXTENSION.to_owned(), service.into());
    for (status, description) in problems {
        let response = || ResponseBuilder::new().description(description).build().into();
        operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
    }
    for (status, response) in &mut operation.responses.responses {
        // The gateway's health says in its own words what does not work.
        let health = service == NAME && status == "503";
        if let (true, false, RefOr::T(response)) = (status.as_str() >= "400", health, response) {
            let content = Content::new(Some(Ref::from_schema_name(ProblemDocument::name())));
            response.content = [(infra_http::problem::MEDIA_TYPE.to_owned(), content.into())].into();
        }
    }
}

/// The problems that follow from what an operation takes: every service reads bodies, queries and headers by the same
/// code, and the gateway's accept loop takes no address of any length.
fn what_may_be_wrong(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut problems = Vec::new();
    let parameters: Vec<&Parameter> = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| if let RefOr::T(parameter) = parameter { Some(parameter) } else { None })
        .collect();
    let takes = |place: ParameterIn| parameters.iter().any(|parameter| parameter.parameter_in == place);
    let pages = parameters.iter().any(|parameter| parameter.name == "cursor");
    if operation.request_body.is_some() {
        problems.extend([
            ("400", "What was sent cannot be read."),
            ("408", "The body did not come in time."),
            ("413", "The body is too large."),
            ("415", "The body is not said to be JSON."),
            ("422", "A field breaks a rule."),
        ]);
    }
    if takes(ParameterIn::Query) {
        problems.push(("422", "A parameter is unknown or breaks a rule."));
    }
    if pages || takes(ParameterIn::Header) {
        problems.push(("400", "What was sent cannot be read."));
    }
    if takes(ParameterIn::Query) || takes(ParameterIn::Path) {
        problems.push(("414", "The address is too long."));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::{OperationBuilder, ParameterBuilder};
    use utoipa::openapi::request_body::RequestBody;
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    use utoipa::openapi::{ComponentsBuilder, HttpMethod, PathsBuilder};

    fn api(service: &'static str, path: &'static str, kind: Type) -> ServiceApi {
        let operation = Operation::new();
        let mut with_body = operation;
        with_body.responses.responses.insert(
            "200".to_owned(),
            ResponseBuilder::new()
                .content("application/json", Content::new(Some(Ref::from_schema_name("Thing"))))
                .build()
                .into(),
        );
        let openapi = OpenApiBuilder::new()
            .paths(PathsBuilder::new().path(path, PathItem::new(HttpMethod::Get, with_body)))
            .components(Some(
                ComponentsBuilder::new().schema("Thing", ObjectBuilder::new().schema_type(kind).build()).build(),
            ))
            .build();
        ServiceApi { service, routes: vec![Route::new(Method::GET, path, Access::SignedIn)], openapi }
    }

    #[test]
    fn two_services_schemas_of_one_name_are_kept_apart() {
        let services = [api("one", "/one", Type::String), api("two", "/two", Type::Integer)];
        let document = serde_json::to_value(openapi(&services)).unwrap();
        let schema = |path: &str| {
            let at =
                format!("/paths/{}/get/responses/200/content/application~1json/schema/$ref", path.replace('/', "~1"));
            document.pointer(&at).unwrap().as_str().unwrap().to_owned()
        };
        assert_eq!(schema("/one"), "#/components/schemas/Thing");
        assert_eq!(schema("/two"), "#/components/schemas/two_Thing");
        assert_eq!(document.pointer("/components/schemas/two_Thing/type").unwrap(), "integer");
        assert_eq!(document.pointer("/components/schemas/Thing/type").unwrap(), "string");
    }

    #[test]
    fn internal_endpoints_are_not_in_the_document() {
        let mut service = api("one", "/internal/one", Type::String);
        service.routes[0].access = Access::Internal;
        let document = serde_json::to_value(openapi(&[service])).unwrap();
        assert!(document.pointer("/paths/~1internal~1one").is_none());
    }

    #[test]
    fn the_document_says_which_endpoints_need_a_token() {
        let document = serde_json::to_value(openapi(&[api("one", "/one", Type::String)])).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["paths"]["/one"]["get"]["security"], serde_json::json!([{"bearer": []}]));
        assert_eq!(document["paths"]["/healthz"]["get"]["security"], serde_json::json!([]));
        assert_eq!(document["paths"]["/one"]["get"]["tags"], serde_json::json!(["one"]));
        assert!(document["paths"]["/one"]["get"]["responses"]["401"].is_object());
    }

    #[test]
    fn every_error_of_the_document_is_a_problem() {
        let mut service = api("one", "/one", Type::String);
        let operation = service.openapi.paths.paths.get_mut("/one").unwrap().get.as_mut().unwrap();
        // As a service describes it that forgets the media type, or the content altogether.
        let forgotten = ResponseBuilder::new().content("application/json", Content::default()).build();
        operation.responses.responses.insert("404".to_owned(), forgotten.into());
        operation.responses.responses.insert("409".to_owned(), ResponseBuilder::new().build().into());
        let document = serde_json::to_value(openapi(&[service])).unwrap();
        let responses = &document["paths"]["/one"]["get"]["responses"];
        let problem = serde_json::json!({
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        });
        for status in ["401", "404", "409", "429", "503"] {
            assert_eq!(responses[status]["content"], problem, "{status}");
        }
        assert!(responses["200"]["content"]["application/json"].is_object());
        let health = &document["paths"]["/readyz"]["get"]["responses"]["503"]["content"];
        assert!(health["application/json"].is_object(), "{health}");
    }

    #[test]
    fn an_operation_says_how_what_it_takes_can_be_wrong() {
        let statuses = |operation: Operation| -> Vec<&str> {
            let mut found: Vec<&str> = what_may_be_wrong(&operation).into_iter().map(|(status, _)| status).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let with = |name: &str, place: ParameterIn| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(place).build();
            OperationBuilder::new().parameter(parameter).build()
        };
        assert_eq!(statuses(Operation::new()), [""; 0]);
        assert_eq!(statuses(with("id", ParameterIn::Path)), ["414"]);
        assert_eq!(statuses(with("limit", ParameterIn::Query)), ["414", "422"]);
        assert_eq!(statuses(with("cursor", ParameterIn::Query)), ["400", "414", "422"]);
        assert_eq!(statuses(with("If-Match", ParameterIn::Header)), ["400"]);
        let body = OperationBuilder::new().request_body(Some(RequestBody::new())).build();
        assert_eq!(statuses(body), ["400", "408", "413", "415", "422"]);
    }

    #[test]
    fn the_same_services_give_the_same_document() {
        let services = [api("one", "/one", Type::String), api("two", "/two", Type::Integer)];
        let text = || serde_json::to_string(&openapi(&services)).unwrap();
        assert_eq!(text(), text());
    }
}
