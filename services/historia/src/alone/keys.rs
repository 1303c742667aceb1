//! Public keys of others: read from a file or fetched, until they are there and again now and then.
//!
//! What cannot be read, or holds no key of ours, changes nothing: the last good set stays.
use crate::failure::Failure;
use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri};
use infra_http::tokens::{Jwks, PublicKey};
use infra_http::{KeySet, ServiceClient};
use infra_runtime::Supervisor;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often keys are looked up that are known already: a new one is used soon.
const PERIOD: Duration = Duration::from_secs(20);
/// As long as there are none nobody gets in.
const EAGER: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(5);
/// A file with more than this is no set of keys.
const LARGEST: usize = 64 * 1024;

/// Where a set of keys is.
enum Place {
    File(PathBuf),
    Address { client: ServiceClient, path: String },
}

/// Keeps `keys` what `place`, a file or an address, says; `whose` names it in logs.
///
/// # Errors
/// The place is an address that cannot be used.
pub(super) fn follow(whose: &'static str, place: &str, keys: &KeySet, supervisor: &Supervisor) -> Result<(), Failure> {
    let place = Arc::new(Place::of(whose, place)?);
    let keys = keys.clone();
    supervisor.spawn("public keys", move |stop| {
        let (place, keys) = (Arc::clone(&place), keys.clone());
        Box::pin(async move {
            stop.run_until_cancelled(refresh(whose, &place, &keys)).await;
            Ok(())
        })
    });
    Ok(())
}

async fn refresh(whose: &'static str, place: &Place, keys: &KeySet) {
    let mut told = false;
    loop {
        match place.read().await {
            Some(found) => {
                keys.replace(found);
                told = false;
            }
            None if !told => {
                told = true;
                tracing::warn!(whose, known = !keys.is_empty(), "public keys cannot be read; asking again");
            }
            None => {}
        }
        tokio::time::sleep(if keys.is_empty() { EAGER } else { PERIOD }).await;
    }
}

impl Place {
    fn of(whose: &'static str, place: &str) -> Result<Self, Failure> {
        if !place.contains("://") {
            return Ok(Self::File(place.into()));
        }
        let wrong = || Failure::new(format!("the address of the {whose}'s keys must look like http://host:port/path"));
        let uri: Uri = place.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let base = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        let client = ServiceClient::new(whose, &base).map_err(|_| wrong())?;
        Ok(Self::Address { client, path: uri.path().to_owned() })
    }

    async fn read(&self) -> Option<Vec<PublicKey>> {
        let text = match self {
            Self::File(path) => Bytes::from(tokio::fs::read(path).await.ok()?),
            Self::Address { client, path } => {
                let request = Request::get(path).body(Bytes::new()).ok()?;
                let answer = client.send(request, DEADLINE).await.ok()?;
                (answer.status() == StatusCode::OK).then(|| answer.into_body())?
            }
        };
        if text.len() > LARGEST {
            return None;
        }
        let found = serde_json::from_slice::<Jwks>(&text).ok()?.public_keys();
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infra_http::TokenSigner;
    use infra_testkit::wait_for;

    fn published(seed: u8) -> (PublicKey, String) {
        let signer = TokenSigner::gateway(&[seed; 32]).unwrap();
        (signer.public_key(), serde_json::to_string(&signer.jwks()).unwrap())
    }

    #[tokio::test]
    async fn keys_are_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        let (supervisor, keys, (key, text)) = (Supervisor::new(), KeySet::default(), published(1));
        follow("gateway", file.to_str().unwrap(), &keys, &supervisor).unwrap();
        assert!(keys.is_empty());
        std::fs::write(&file, text).unwrap();
        wait_for("the key", Duration::from_secs(10), async || keys.find(key.id())).await;
        supervisor.stop().await;
    }

    #[tokio::test]
    async fn what_is_no_set_of_keys_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        let place = Place::of("gateway", file.to_str().unwrap()).unwrap();
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct"}]}"#] {
            std::fs::write(&file, text).unwrap();
            assert!(place.read().await.is_none(), "{text}");
        }
        let (key, text) = published(2);
        std::fs::write(&file, text).unwrap();
        assert_eq!(place.read().await.unwrap(), [key]);
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused() {
        for place in ["ftp://gateway/keys", "http://", "https:///keys"] {
            assert!(Place::of("gateway", place).is_err(), "{place}");
        }
        assert!(Place::of("gateway", "http://bff:8080/.well-known/gateway-jwks.json").is_ok());
    }
}
