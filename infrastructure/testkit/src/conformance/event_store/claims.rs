//! Rule 4: a claim is held by one stream at a time.
use super::{AppendOutcome, Store, appended, claim, command, holds, left_nothing, of, stream};
use domain_kernel::ports::{AppendCommand, Claim, ClaimKind, StoreError};
use domain_kernel::{Head, StreamId};
use futures_util::future::join_all;

pub(super) async fn all(store: &Store) {
    holds("a claim is found by its key", a_claim_is_found_by_its_key(store)).await;
    holds("a taken claim refuses the whole append", a_taken_claim_refuses_the_whole_append(store)).await;
    holds("a refused claim names its command", a_refused_claim_names_its_command(store)).await;
    holds("the same key of another kind is free", the_same_key_of_another_kind_is_free(store)).await;
    holds("of claims on the same key one is granted", of_claims_on_the_same_key_one_is_granted(store)).await;
    holds("a released claim is free again", a_released_claim_is_free_again(store)).await;
    holds("a stream releases its own claims only", a_stream_releases_its_own_claims_only(store)).await;
}

fn taking(claim: Claim) -> AppendCommand {
    AppendCommand { claims: vec![claim], ..command() }
}

fn releasing(claim: Claim) -> AppendCommand {
    AppendCommand { releases: vec![claim], ..command() }
}

async fn holder(store: &Store, claim: Claim) -> Option<StreamId> {
    store.find_claim(claim.kind, claim.key).await.expect("the store answers")
}

async fn a_claim_is_found_by_its_key(store: &Store) {
    let (stream, claim) = (stream(), claim(1));
    assert_eq!(holder(store, claim).await, None, "a free claim has no holder");
    appended(store, stream, Head::default(), [taking(claim)]).await;
    assert_eq!(holder(store, claim).await, Some(stream), "a claim is found by its key as soon as it is taken");
}

async fn a_taken_claim_refuses_the_whole_append(store: &Store) {
    let rule = "a taken claim refuses the whole append";
    let (claim, free) = (claim(1), self::claim(1));
    let first = stream();
    appended(store, first, Head::default(), [taking(claim)]).await;
    let late = AppendCommand { claims: vec![free, claim], ..command() };
    let append = of(stream(), Head::default(), [late.clone()]);
    let taken = AppendOutcome::ClaimTaken { command_id: late.command_id, kind: claim.kind };
    assert_eq!(store.append(append.clone()).await, Ok(taken), "{rule}");
    left_nothing(rule, store, &append, Head::default()).await;
    assert_eq!(holder(store, claim).await, Some(first), "{rule}: the holder stays");
    assert_eq!(holder(store, free).await, None, "{rule}: the free one stays free");
}

async fn a_refused_claim_names_its_command(store: &Store) {
    let rule = "a refused claim names its command and kind";
    let claim = claim(4);
    appended(store, stream(), Head::default(), [taking(claim)]).await;
    let (fine, refused) = (taking(self::claim(3)), taking(claim));
    let append = of(stream(), Head::default(), [fine, refused.clone()]);
    let taken = AppendOutcome::ClaimTaken { command_id: refused.command_id, kind: ClaimKind(4) };
    assert_eq!(store.append(append.clone()).await, Ok(taken), "{rule}");
    left_nothing(rule, store, &append, Head::default()).await;
}

async fn the_same_key_of_another_kind_is_free(store: &Store) {
    let claim = claim(1);
    let other = Claim { kind: ClaimKind(2), ..claim };
    let (one, two) = (stream(), stream());
    appended(store, one, Head::default(), [taking(claim)]).await;
    appended(store, two, Head::default(), [taking(other)]).await;
    let holders = (holder(store, claim).await, holder(store, other).await);
    assert_eq!(holders, (Some(one), Some(two)), "the same key of another kind is another claim");
}

async fn of_claims_on_the_same_key_one_is_granted(store: &Store) {
    let claim = claim(1);
    let appends: Vec<_> = (0..16).map(|_| of(stream(), Head::default(), [taking(claim)])).collect();
    let outcomes = join_all(appends.iter().map(|append| store.append(append.clone()))).await;
    let mut granted = vec![];
    for (append, outcome) in appends.iter().zip(outcomes) {
        match outcome {
            Ok(AppendOutcome::Appended(_)) => granted.push(append.stream),
            Ok(AppendOutcome::ClaimTaken { .. }) => {
                left_nothing("of claims on the same key one is granted", store, append, Head::default()).await;
            }
            other => panic!("of claims on the same key one is granted, the others are taken, not {other:?}"),
        }
    }
    assert_eq!(granted.len(), 1, "of claims on the same key one is granted");
    assert_eq!(holder(store, claim).await, granted.first().copied(), "the one that was granted holds it");
}

async fn a_released_claim_is_free_again(store: &Store) {
    let (claim, next, first) = (claim(1), claim(1), stream());
    let head = appended(store, first, Head::default(), [taking(claim)]).await;
    let change = AppendCommand { claims: vec![next], ..releasing(claim) };
    appended(store, first, head, [change]).await;
    assert_eq!(holder(store, claim).await, None, "a released claim has no holder");
    assert_eq!(holder(store, next).await, Some(first), "what is taken with a release is held");
    let second = stream();
    appended(store, second, Head::default(), [taking(claim)]).await;
    assert_eq!(holder(store, claim).await, Some(second), "a released claim can be taken by another stream");
}

async fn a_stream_releases_its_own_claims_only(store: &Store) {
    let rule = "a stream releases its own claims only";
    let (claim, owner) = (claim(1), stream());
    appended(store, owner, Head::default(), [taking(claim)]).await;
    for foreign in [claim, self::claim(1)] {
        let other = stream();
        let head = appended(store, other, Head::default(), [command()]).await;
        let append = of(other, head, [releasing(foreign)]);
        let outcome = store.append(append.clone()).await;
        assert!(matches!(outcome, Err(StoreError::Malformed { .. })), "{rule}: {outcome:?}");
        left_nothing(rule, store, &append, head).await;
    }
    assert_eq!(holder(store, claim).await, Some(owner), "{rule}: the owner keeps it");
}
