//! What goes through the gateway: everything that changes or reveals something, as somebody who logged in and
//! may do it.
//!
//! The gateway checks the role, records who did what, and knows what must not be done (docs/adr/0021).
mod client;
mod dead_letters;
mod intent;
mod keys;
mod login;
mod projections;
mod reveal;
mod saga;
mod session;

pub(crate) use client::Way;
pub(crate) use dead_letters::run as dead_letters;
pub(crate) use keys::run as keys;
pub(crate) use login::{log_in, log_out};
pub(crate) use projections::run as projections;
pub(crate) use reveal::{events as revealed_events, state as revealed_state};
pub(crate) use saga::run as saga;

use crate::failure::Failure;
use client::Gateway;
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::{Map, Value};

/// As many items as the gateway puts on one page.
const PAGE: usize = 100;

/// A text as a value in an address.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// The first `limit` items of the list at `path`, and whatever else its last page says, as one document.
async fn items(gateway: &Gateway, path: &str, limit: usize) -> Result<Value, Failure> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut cursor, mut whole) = (Vec::new(), String::new(), Map::new());
    while items.len() < limit {
        let wanted = PAGE.min(limit - items.len());
        let page = gateway.get(&format!("{path}{separator}limit={wanted}{cursor}")).await?;
        if let Value::Object(page) = page {
            whole = page;
        }
        if let Some(Value::Array(found)) = whole.remove("items") {
            items.extend(found);
        }
        match whole.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    items.truncate(limit);
    let mut document = Map::from_iter([("items".to_owned(), Value::Array(items))]);
    document.append(&mut whole);
    Ok(Value::Object(document))
}
