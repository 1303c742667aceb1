//! What is generated from the code: the OpenAPI and AsyncAPI documents and the Postman files.
use crate::cli::PostmanArgs;
use crate::failure::Failure;
use crate::{output, platform};
use serde_json::Value;
use std::path::Path;

fn openapi() -> infra_http::OpenApi {
    let apis: Vec<_> = platform::services().iter().map(|service| (service.api)()).collect();
    service_bff::openapi(&apis)
}

/// Prints the gateway's OpenAPI document.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print_openapi() -> Result<(), Failure> {
    output::document(&openapi())
}

/// Prints the document of what the services tell each other.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print_asyncapi() -> Result<(), Failure> {
    output::document(&service_bff::asyncapi(&platform::events()))
}

/// Writes the Postman collection and environment.
///
/// # Errors
/// The directory cannot be written.
pub(crate) fn write_postman(arguments: &PostmanArgs) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&arguments.directory.display().to_string(), &error);
    std::fs::create_dir_all(&arguments.directory).map_err(failed)?;
    let collection = service_bff::postman::collection(&openapi());
    write(&arguments.directory.join("historia.postman_collection.json"), &collection)?;
    write(&arguments.directory.join("historia.postman_environment.json"), &service_bff::postman::environment())
}

fn write(path: &Path, document: &Value) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&path.display().to_string(), &error);
    let text = serde_json::to_string_pretty(document)?;
    std::fs::write(path, text + "\n").map_err(failed)?;
    output::note(path.display().to_string());
    Ok(())
}
