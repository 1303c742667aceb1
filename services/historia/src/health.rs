//! `health`: asks a process whether it is well, for container platforms; the image needs no other program for it.
use crate::cli::HealthArgs;
use crate::failure::Failure;
use axum::body::Bytes;
use axum::http::{Request, Uri};
use infra_http::ServiceClient;
use std::time::Duration;

/// A process that answers later is not well.
const DEADLINE: Duration = Duration::from_secs(3);

/// Asks once.
///
/// # Errors
/// There is no answer, or one that says otherwise.
pub(crate) async fn run(arguments: &HealthArgs) -> Result<(), Failure> {
    let url = &arguments.url;
    let wrong = || Failure::new(format!("{url:?} is not an address such as http://127.0.0.1:7001/readyz"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
    let client = ServiceClient::new("asked", &format!("http://{authority}")).map_err(|_| wrong())?;
    let request = Request::get(uri.path()).body(Bytes::new())?;
    let answer = client.send(request, DEADLINE).await?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(Failure::new(format!("{url} answers {}", answer.status())))
}
