use super::*;
use crate::tokens::{INTERNAL_LIFETIME_SECONDS, TokenSigner};
use domain_kernel::{Role, Timestamp, UserId};
use proptest::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

const START: i64 = 1_800_000_000;

/// A clock that stands until it is moved.
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst) * 1_000_000)
    }

    fn unique_id(&self) -> Uuid {
        Uuid::from_u128(9)
    }
}

struct Fixture {
    clock: Arc<Standing>,
    users: TokenSigner,
    gateway: TokenSigner,
    verifier: TokenVerifier,
}

fn fixture() -> Fixture {
    let clock = Arc::new(Standing(AtomicI64::new(START)));
    let users = TokenSigner::users(&[1; 32]).unwrap();
    let gateway = TokenSigner::gateway(&[2; 32]).unwrap();
    let keys = KeySet::new([users.public_key(), gateway.public_key()]);
    let verifier = TokenVerifier::users(keys, Arc::clone(&clock) as Arc<dyn Clock>);
    Fixture { clock, users, gateway, verifier }
}

fn claims() -> Claims {
    let now = Timestamp(START * 1_000_000);
    Claims::user(UserId(Uuid::from_u128(1)), Role::Laboratory, Uuid::from_u128(2), now, 300, Uuid::from_u128(3))
}

/// The token with another header, still signed by `signer`'s key.
fn with_header(seed: [u8; 32], header: &serde_json::Value, claims: &Claims) -> String {
    use ed25519_dalek::{Signer, SigningKey};
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let said =
        format!("{}.{}", part(header.to_string().as_bytes()), part(serde_json::to_string(claims).unwrap().as_bytes()));
    let signature = SigningKey::from_bytes(&seed).sign(said.as_bytes());
    format!("{said}.{}", part(&signature.to_bytes()))
}

#[test]
fn a_token_says_what_was_signed() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    assert_eq!(*fixture.verifier.verify(&token).unwrap(), claims());
    assert_eq!(*fixture.verifier.verify(&token).unwrap(), claims(), "from memory");
}

#[test]
fn an_expired_token_is_refused_also_from_memory() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    fixture.verifier.verify(&token).unwrap();
    fixture.clock.0.store(START + 300 + LEEWAY_SECONDS - 1, Ordering::SeqCst);
    fixture.verifier.verify(&token).unwrap();
    fixture.clock.0.store(START + 300 + LEEWAY_SECONDS, Ordering::SeqCst);
    assert_eq!(fixture.verifier.verify(&token), Err(TokenError::Expired));
}

#[test]
fn a_token_of_the_future_is_refused() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    fixture.clock.0.store(START - LEEWAY_SECONDS - 1, Ordering::SeqCst);
    assert_eq!(fixture.verifier.verify(&token), Err(TokenError::NotYetValid));
    fixture.clock.0.store(START - LEEWAY_SECONDS, Ordering::SeqCst);
    assert!(fixture.verifier.verify(&token).is_ok(), "clocks may differ");
}

#[test]
fn every_changed_byte_is_noticed() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(fixture.verifier.verify(std::str::from_utf8(&changed).unwrap()).is_err(), "byte {at}");
    }
}

#[test]
fn a_foreign_key_is_unknown() {
    let foreign = TokenSigner::users(&[3; 32]).unwrap().sign(&claims()).unwrap();
    assert_eq!(fixture().verifier.verify(&foreign), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_that_was_replaced_verifies_nothing_not_even_from_memory() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    fixture.verifier.verify(&token).unwrap();
    fixture.verifier.keys().replace([fixture.gateway.public_key()]);
    assert_eq!(fixture.verifier.verify(&token), Err(TokenError::UnknownKey));
}

#[test]
fn another_key_under_the_same_id_verifies_nothing_not_even_from_memory() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    fixture.verifier.verify(&token).unwrap();
    let mut published = fixture.gateway.jwks();
    published.keys[0].kid = fixture.users.public_key().id().to_owned();
    fixture.verifier.keys().replace(published.public_keys());
    assert_eq!(fixture.verifier.verify(&token), Err(TokenError::NotAuthentic));
}

#[test]
fn a_token_that_was_verified_is_remembered_and_not_verified_again() {
    let fixture = fixture();
    fixture.verifier.verify(&fixture.users.sign(&claims()).unwrap()).unwrap();
    assert_eq!(fixture.verifier.remembered(), 1);
    let verified = Verified { key: fixture.users.public_key(), claims: Arc::new(claims()) };
    fixture.verifier.inner.remember(Sha256::digest("no token at all").into(), verified);
    assert_eq!(*fixture.verifier.verify("no token at all").unwrap(), claims());
}

#[test]
fn the_two_kinds_of_tokens_are_never_taken_for_one_another() {
    let fixture = fixture();
    let internal = fixture.gateway.sign(&claims()).unwrap();
    assert_eq!(fixture.verifier.verify(&internal), Err(TokenError::Kind));
    let services = TokenVerifier::internal(
        "results",
        fixture.verifier.keys().clone(),
        Arc::clone(&fixture.clock) as Arc<dyn Clock>,
    );
    assert_eq!(services.verify(&fixture.users.sign(&claims()).unwrap()), Err(TokenError::Kind));
}

#[test]
fn an_internal_token_is_for_one_service() {
    let fixture = fixture();
    let now = fixture.clock.now();
    let said = Claims::internal(Subject::Anonymous, None, None, "users", now, Uuid::from_u128(4));
    assert_eq!(said.exp - said.iat, INTERNAL_LIFETIME_SECONDS);
    let token = fixture.gateway.sign(&said).unwrap();
    let verifier = |service| {
        TokenVerifier::internal(service, fixture.verifier.keys().clone(), Arc::clone(&fixture.clock) as Arc<dyn Clock>)
    };
    assert_eq!(*verifier("users").verify(&token).unwrap(), said);
    assert_eq!(verifier("results").verify(&token), Err(TokenError::NotAuthentic));
    assert_eq!(verifier("results").audience(), "results");
}

#[test]
fn only_the_one_algorithm_and_the_plain_header_are_taken() {
    let fixture = fixture();
    let kid = fixture.users.public_key().id().to_owned();
    let good = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
    assert!(fixture.verifier.verify(&with_header([1; 32], &good, &claims())).is_ok());
    for (member, value) in [
        ("alg", serde_json::json!("none")),
        ("alg", serde_json::json!("HS256")),
        ("typ", serde_json::json!("JWT")),
        ("kid", serde_json::json!("../../etc/passwd")),
        ("kid", serde_json::json!(null)),
        ("crit", serde_json::json!(["exp"])),
        ("jku", serde_json::json!("http://127.0.0.1/keys")),
        ("x5u", serde_json::json!("http://127.0.0.1/keys")),
        ("jwk", serde_json::json!({"kty": "OKP"})),
        ("zip", serde_json::json!("DEF")),
    ] {
        let mut header = good.clone();
        header[member] = value.clone();
        let token = with_header([1; 32], &header, &claims());
        assert!(fixture.verifier.verify(&token).is_err(), "{member}: {value}");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let fixture = fixture();
    let token = fixture.users.sign(&claims()).unwrap();
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert!(fixture.verifier.verify(&unsigned).is_err());
}

#[test]
fn issuer_audience_and_session_must_be_right() {
    let fixture = fixture();
    let changes: [fn(&mut Claims); 5] = [
        |claims| claims.iss = "somebody".to_owned(),
        |claims| claims.aud = "results".to_owned(),
        |claims| claims.sid = None,
        |claims| claims.sub = Subject::Service("users".to_owned()),
        |claims| claims.exp = claims.iat,
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut changed = claims();
        change(&mut changed);
        let token = fixture.users.sign(&changed).unwrap();
        assert!(fixture.verifier.verify(&token).is_err(), "change {index}");
    }
}

#[test]
fn every_claim_is_required() {
    let fixture = fixture();
    let kid = fixture.users.public_key().id().to_owned();
    let all = serde_json::to_value(claims()).unwrap();
    for claim in ["sub", "role", "sid", "exp", "iat", "nbf", "iss", "aud", "jti"] {
        use ed25519_dalek::{Signer, SigningKey};
        let mut said = all.clone();
        said.as_object_mut().unwrap().remove(claim);
        let header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
        let said =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(said.to_string()));
        let signature = SigningKey::from_bytes(&[1; 32]).sign(said.as_bytes()).to_bytes();
        let token = format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(fixture.verifier.verify(&token), Err(TokenError::NotAuthentic), "{claim}");
    }
}

#[test]
fn an_oversized_token_is_refused_unread() {
    let token = "a".repeat(MAXIMUM_BYTES + 1);
    assert_eq!(fixture().verifier.verify(&token), Err(TokenError::Malformed));
}

#[test]
fn a_token_may_be_as_long_as_the_limit_and_no_longer() {
    let fixture = fixture();
    let header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", "kid": fixture.users.public_key().id()});
    let mut said = serde_json::to_value(claims()).unwrap();
    // Four thirds of a byte each: one place in the header and one in the claims reach every length.
    let mut of_length = |length: usize| {
        (8_000..4 * MAXIMUM_BYTES).find_map(|attempt| {
            said["padding"] = "x".repeat(attempt / 4).into();
            let token = signed(format!("{header}{}", " ".repeat(attempt % 4)).as_bytes(), said.to_string().as_bytes());
            (token.len() == length).then_some(token)
        })
    };
    let longest = of_length(MAXIMUM_BYTES).unwrap();
    assert!(fixture.verifier.verify(&longest).is_ok());
    let too_long = of_length(MAXIMUM_BYTES + 2).unwrap();
    assert_eq!(fixture.verifier.verify(&too_long), Err(TokenError::Malformed));
}

#[test]
fn what_is_remembered_is_bounded() {
    let fixture = fixture();
    let verified = Verified { key: fixture.users.public_key(), claims: Arc::new(claims()) };
    for index in 0..4 * REMEMBERED {
        fixture.verifier.inner.remember(Sha256::digest(index.to_be_bytes()).into(), verified.clone());
    }
    assert!((REMEMBERED..=2 * REMEMBERED).contains(&fixture.verifier.remembered()));
}

/// A token of any three parts; the last is the right signature of the first two.
fn signed(header: &[u8], payload: &[u8]) -> String {
    use ed25519_dalek::{Signer, SigningKey};
    let said = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = SigningKey::from_bytes(&[1; 32]).sign(said.as_bytes());
    format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// What stands in a claim: of every kind, and of every size.
fn any_claim() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        any::<Vec<String>>().prop_map(Into::into),
    ]
}

proptest! {
    #[test]
    fn any_text_is_no_token(text: String, header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let parts = [header.as_slice(), &payload, &signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        for token in [text, parts.join(".")] {
            prop_assert!(fixture().verifier.verify(&token).is_err());
        }
    }

    #[test]
    fn a_header_of_any_bytes_is_refused_even_when_signed(header: Vec<u8>) {
        let payload = serde_json::to_vec(&claims()).unwrap();
        prop_assert_eq!(fixture().verifier.verify(&signed(&header, &payload)), Err(TokenError::Malformed));
    }

    #[test]
    fn claims_of_any_bytes_are_refused_even_when_signed(payload: Vec<u8>) {
        let fixture = fixture();
        let header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", "kid": fixture.users.public_key().id()});
        let token = signed(header.to_string().as_bytes(), &payload);
        prop_assert_eq!(fixture.verifier.verify(&token), Err(TokenError::NotAuthentic));
    }

    #[test]
    fn a_claim_of_any_kind_is_believed_or_refused(name in prop::sample::select(CLAIMS), value in any_claim()) {
        let fixture = fixture();
        let header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", "kid": fixture.users.public_key().id()});
        let mut said = serde_json::to_value(claims()).unwrap();
        said[name] = value;
        let token = signed(header.to_string().as_bytes(), said.to_string().as_bytes());
        if let Ok(believed) = fixture.verifier.verify(&token) {
            prop_assert!(believed.nbf.max(believed.iat) <= START + LEEWAY_SECONDS);
            prop_assert!(believed.exp + LEEWAY_SECONDS > START);
            prop_assert!(matches!(believed.sub, Subject::User(_)) && believed.sid.is_some());
        }
    }
}

const CLAIMS: &[&str] = &["sub", "role", "sid", "exp", "iat", "nbf", "iss", "aud", "jti", "must_change_password"];
