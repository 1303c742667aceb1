//! Tokens, the keys that they are verified with, and cursors: nothing is believed that we did not make.
use bolero::check;
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use fuzz::{hostile, tried, within_bounds};
use infra_event_store::BlindIndex;
use infra_http::tokens::{Claims, Jwks, KeySet, Subject, TokenSigner, TokenVerifier};
use infra_http::{Cursors, bearer};
use infra_testkit::memory::ManualClock;
use std::sync::Arc;
use uuid::Uuid;

const ANA: UserId = UserId(Uuid::from_u128(0xa));

fn claims(clock: &ManualClock) -> [Claims; 2] {
    let (now, session, id) = (clock.now(), Uuid::from_u128(1), Uuid::from_u128(2));
    [
        Claims::user(ANA, Role::Laboratory, session, now, 3600, id),
        Claims::internal(Subject::Anonymous, None, None, "results", now, id),
    ]
}

/// A token of ours is believed as it was signed, by the verifier that it is for; with anything changed, signed by others
/// or made up, it is believed by nobody.
#[test]
fn a_token_that_we_did_not_sign_is_never_believed() {
    let clock = Arc::new(ManualClock::new());
    let ours = [TokenSigner::users(&[7; 32]).unwrap(), TokenSigner::gateway(&[8; 32]).unwrap()];
    let others = [TokenSigner::users(&[9; 32]).unwrap(), TokenSigner::gateway(&[9; 32]).unwrap()];
    let keys = KeySet::new(ours.iter().map(TokenSigner::public_key));
    let verifiers = [
        TokenVerifier::users(keys.clone(), Arc::clone(&clock) as Arc<dyn Clock>),
        TokenVerifier::internal("results", keys, Arc::clone(&clock) as Arc<dyn Clock>),
    ];
    let said = claims(&clock);
    let genuine: Vec<String> = (0..2).map(|kind| ours[kind].sign(&said[kind]).unwrap()).collect();
    let forged: Vec<String> = (0..2).map(|kind| others[kind].sign(&said[kind]).unwrap()).collect();
    let tokens: Vec<Vec<u8>> = genuine.iter().chain(&forged).map(|token| token.clone().into_bytes()).collect();
    check!().with_iterations(20_000).with_max_len(1024).for_each(tried(|input| {
        let token = String::from_utf8_lossy(&hostile(input, &tokens)).into_owned();
        for (kind, verifier) in verifiers.iter().enumerate() {
            let believed = within_bounds(|| verifier.verify(&token));
            if token == genuine[kind] {
                assert_eq!(believed.as_deref(), Ok(&said[kind]));
            } else {
                assert!(believed.is_err(), "believed: {token}");
            }
        }
    }));
}

/// What stands in a token, once its signature is right.
#[test]
fn claims_that_are_read_are_written_and_read_as_the_same() {
    let clock = ManualClock::new();
    let genuine: Vec<Vec<u8>> = claims(&clock).iter().map(|claims| serde_json::to_vec(claims).unwrap()).collect();
    check!().with_iterations(20_000).with_max_len(1024).for_each(tried(|input| {
        let bytes = hostile(input, &genuine);
        within_bounds(|| {
            let Ok(read) = serde_json::from_slice::<Claims>(&bytes) else { return };
            let written = serde_json::to_vec(&read).expect("what was read can be written");
            assert_eq!(serde_json::from_slice::<Claims>(&written).unwrap(), read);
        });
    }));
}

/// What another service publishes as its keys: of whatever it is, only Ed25519 keys with ids that can be looked up are
/// taken, and not any number of them.
#[test]
fn published_keys_that_are_read_are_published_as_the_same() {
    let keys = [[7; 32], [8; 32]].map(|seed| TokenSigner::users(&seed).unwrap().public_key());
    let genuine = [serde_json::to_vec(&Jwks::of(keys)).unwrap()];
    check!().with_iterations(10_000).with_max_len(2048).for_each(tried(|input| {
        let bytes = hostile(input, &genuine);
        within_bounds(|| {
            let Ok(read) = serde_json::from_slice::<Jwks>(&bytes) else { return };
            let keys = read.public_keys();
            assert!(keys.len() <= 16, "{} keys", keys.len());
            assert_eq!(Jwks::of(keys.clone()).public_keys(), keys);
            for key in &keys {
                assert_eq!(
                    KeySet::new(keys.clone()).find(key.id()).map(|key| key.id().to_owned()).as_deref(),
                    Some(key.id())
                );
            }
        });
    }));
}

#[test]
fn a_cursor_that_we_did_not_make_for_this_list_is_never_taken() {
    let index = BlindIndex::new([7; 32]);
    let (results, users) = (Cursors::new(index.clone(), "results"), Cursors::new(index, "users"));
    let positions = [(3_i64, "a".to_owned()), (i64::MIN, String::new())];
    let genuine: Vec<Vec<u8>> = [&results, &users]
        .iter()
        .flat_map(|list| positions.iter().map(|position| list.encode(position).unwrap().into_bytes()))
        .collect();
    check!().with_iterations(20_000).with_max_len(1024).for_each(tried(|input| {
        let bytes = hostile(input, &genuine);
        let Ok(cursor) = std::str::from_utf8(&bytes) else { return };
        let taken = within_bounds(|| results.decode::<(i64, String)>(cursor));
        match genuine.iter().position(|genuine| *genuine == bytes) {
            Some(at) if at < positions.len() => assert_eq!(taken.ok().as_ref(), Some(&positions[at])),
            _ => assert_eq!(taken.map_err(|problem| problem.status().as_u16()), Err(400), "{cursor}"),
        }
    }));
}

/// `Authorization`: one header, one scheme; what comes out of it is what was in it.
#[test]
fn a_bearer_token_is_a_part_of_the_one_header() {
    let genuine = [b"Bearer abc.def.ghi".to_vec(), b"bearer  x ".to_vec(), b"Basic YTpi".to_vec()];
    check!().with_iterations(10_000).with_max_len(128).for_each(tried(|input| {
        let bytes = hostile(input, &genuine);
        let Ok(value) = axum::http::HeaderValue::from_bytes(&bytes) else { return };
        let mut headers = axum::http::HeaderMap::new();
        headers.append(axum::http::header::AUTHORIZATION, value.clone());
        if let Ok(token) = bearer(&headers) {
            let token = token.expect("there is a header");
            assert!(value.to_str().unwrap()[6..].trim() == token, "{value:?}");
        }
        headers.append(axum::http::header::AUTHORIZATION, value);
        assert_eq!(bearer(&headers).unwrap_err().status(), 401);
    }));
}
