//! What pages load beside themselves: from the binary, by its digest, so that a browser keeps it and still never has an
//! old one.
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use infra_http::Problem;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Where they are.
pub(crate) const PATH: &str = "/assets/{file}";

/// Name, media type, content.
const FILES: &[(&str, &str, &[u8])] = &[
    ("htmx.min.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/htmx.min.js")),
    ("pages.css", "text/css; charset=utf-8", include_bytes!("../../assets/pages.css")),
    ("pages.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/pages.js")),
];

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    etag: String,
}

pub(super) fn router() -> Router {
    let with_digest = |(name, media_type, content): &(&'static str, &'static str, &'static [u8])| {
        let digest: String = Sha256::digest(content).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Asset { name, media_type, content, etag: format!("\"{digest}\"") }
    };
    let assets: Arc<[Asset]> = FILES.iter().map(with_digest).collect();
    Router::new().route(PATH, get(asset)).with_state(assets)
}

async fn asset(
    State(assets): State<Arc<[Asset]>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = assets.iter().find(|asset| asset.name == file).ok_or_else(Problem::not_found)?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == asset.etag.as_bytes());
    // Asked for again each time, which costs a 304.
    let sent = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, asset.etag.as_str()),
    ];
    let response =
        if known { (StatusCode::NOT_MODIFIED, sent).into_response() } else { (sent, asset.content).into_response() };
    Ok(response)
}
