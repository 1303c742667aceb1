//! Lists, page by page, by a cursor that only we can make.
//!
//! A cursor holds where the page ended; it is authenticated for one list, so a client can neither invent a position nor
//! carry it to another list.
use crate::Problem;
use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use infra_event_store::BlindIndex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// Items on a page when the client does not say.
pub const DEFAULT_LIMIT: u32 = 10;
/// Items on a page at most.
pub const MAXIMUM_LIMIT: u32 = 100;
/// Bytes of the HMAC in a cursor: 128 bits, more than anybody guesses.
const TAG_BYTES: usize = 16;
/// A longer cursor is refused unread.
const MAXIMUM_CURSOR: usize = 1024;

/// `?limit=…&cursor=…`. Flatten-free: a list with filters of its own declares these two fields itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    pub cursor: Option<String>,
}

/// Checks a limit: 1 to 100, 10 when absent.
///
/// # Errors
/// 422 naming the parameter.
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAXIMUM_LIMIT => Ok(limit as usize),
        _ => Err(Problem::unprocessable("?limit", "must be from 1 to 100")),
    }
}

/// Makes and reads the cursors of one list.
#[derive(Clone, Debug)]
pub struct Cursors {
    index: BlindIndex,
    list: &'static str,
}

impl Cursors {
    /// For the list of that (pinned) name.
    #[must_use]
    pub fn new(index: BlindIndex, list: &'static str) -> Self {
        Self { index, list }
    }

    /// The cursor for `position`. Holds positions only, nothing confidential: it is authenticated, not secret.
    pub fn encode(&self, position: &impl Serialize) -> Option<String> {
        let mut bytes = serde_json::to_vec(position).ok()?;
        bytes.extend_from_slice(&self.tag(&bytes));
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position in `cursor`.
    ///
    /// # Errors
    /// 400 for a cursor that we did not make for this list.
    pub fn decode<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, Problem> {
        let wrong = || Problem::bad_request("The cursor is not one of this list.").field("?cursor", "is not ours");
        if cursor.len() > MAXIMUM_CURSOR {
            return Err(wrong());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
        let (position, tag) = bytes.len().checked_sub(TAG_BYTES).map(|at| bytes.split_at(at)).ok_or_else(wrong)?;
        if !bool::from(self.tag(position).ct_eq(tag)) {
            return Err(wrong());
        }
        serde_json::from_slice(position).map_err(|_| wrong())
    }

    /// Where the page before ended, if the client says so.
    ///
    /// # Errors
    /// 400 for a cursor that we did not make for this list.
    pub fn place<P: DeserializeOwned>(&self, cursor: Option<&str>) -> Result<Option<P>, Problem> {
        cursor.map(|cursor| self.decode(cursor)).transpose()
    }

    /// The page of at most `limit` of `rows`. One row more than that is asked for: whether it is there tells whether
    /// there is a next page, which begins behind the `place` of this one's last row.
    pub fn page<R, T, P: Serialize>(
        &self,
        mut rows: Vec<R>,
        limit: usize,
        place: impl FnOnce(&R) -> P,
        item: impl FnMut(R) -> T,
    ) -> Page<T> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).and_then(|last| self.encode(&place(last)));
        Page { items: rows.into_iter().map(item).collect(), next }
    }

    fn tag(&self, position: &[u8]) -> [u8; TAG_BYTES] {
        let digest = self.index.digest(&[b"cursor", self.list.as_bytes(), position]);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&digest[..TAG_BYTES]);
        tag
    }
}

/// One page: `{"items":[…],"next":cursor or null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last.
    pub next: Option<String>,
}

impl<T: Serialize> Page<T> {
    /// The answer, with the next page's address as `Link` too (RFC 8288), filters kept. `uri` is the request's.
    #[must_use]
    pub fn respond(self, uri: &Uri) -> Response {
        let link = self.next.as_deref().and_then(|next| HeaderValue::from_str(&next_link(uri, next)).ok());
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

fn next_link(uri: &Uri, cursor: &str) -> String {
    let mut parameters: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("cursor="))
        .collect();
    let cursor = format!("cursor={cursor}");
    parameters.push(&cursor);
    format!("<{}?{}>; rel=\"next\"", uri.path(), parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursors(list: &'static str) -> Cursors {
        Cursors::new(BlindIndex::new([7; 32]), list)
    }

    #[test]
    fn a_cursor_is_read_back() {
        let cursor = cursors("results").encode(&(3_i64, "a")).unwrap();
        assert_eq!(cursors("results").decode::<(i64, String)>(&cursor).unwrap(), (3, "a".to_owned()));
    }

    #[test]
    fn a_tampered_cursor_and_one_of_another_list_are_refused() {
        let cursor = cursors("results").encode(&3_i64).unwrap();
        assert_eq!(cursors("users").decode::<i64>(&cursor).unwrap_err().status(), 400);
        for at in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            assert!(cursors("results").decode::<i64>(std::str::from_utf8(&tampered).unwrap()).is_err(), "byte {at}");
        }
        assert!(cursors("results").decode::<i64>("").is_err());
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let uri: Uri = "/results?limit=5&cursor=old&status=final".parse().unwrap();
        assert_eq!(next_link(&uri, "new"), "</results?limit=5&status=final&cursor=new>; rel=\"next\"");
    }

    #[test]
    fn a_page_has_one_to_a_hundred_items() {
        assert_eq!(limit(None).unwrap(), 10);
        assert_eq!(limit(Some(100)).unwrap(), 100);
        assert!(limit(Some(0)).is_err());
        assert!(limit(Some(101)).is_err());
    }

    #[test]
    fn one_row_more_than_the_page_has_tells_that_there_is_a_next_one() {
        let page = |rows: Vec<i64>| cursors("results").page(rows, 2, |last| *last, |row| row);
        assert_eq!(page(vec![1, 2]), Page { items: vec![1, 2], next: None });
        assert_eq!(page(vec![]), Page { items: vec![], next: None });
        let Page { items, next } = page(vec![1, 2, 3]);
        assert_eq!(items, [1, 2]);
        assert_eq!(cursors("results").place::<i64>(next.as_deref()).unwrap(), Some(2));
        assert_eq!(cursors("results").place::<i64>(None).unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_text_is_a_cursor_that_we_did_not_make(text in any::<String>(), bytes: Vec<u8>) {
            for cursor in [text, URL_SAFE_NO_PAD.encode(bytes)] {
                let refused = cursors("results").decode::<serde_json::Value>(&cursor).unwrap_err();
                prop_assert_eq!(refused.status(), 400);
            }
        }

        #[test]
        fn every_position_is_read_back_as_itself_alone(micros: i64, id: u128, text: String) {
            let position = (micros, uuid::Uuid::from_u128(id), text);
            let cursor = cursors("results").encode(&position).unwrap();
            // A longer one is refused, as it would be from anybody.
            if cursor.len() <= MAXIMUM_CURSOR {
                prop_assert_eq!(cursors("results").decode::<(i64, uuid::Uuid, String)>(&cursor).unwrap(), position);
                let other_shape = cursors("results").decode::<[u8; 4]>(&cursor).unwrap_err();
                prop_assert_eq!(other_shape.status(), 400);
            }
        }
    }
}
