//! Histories made by hand: a whole one, and each way to break it.
use super::*;
use crate::history::Command;

/// Two results that were acknowledged, told and mailed, and an account.
fn whole() -> (Commands, Observed) {
    let command = |id: &str, number| Command {
        round: 1,
        sent: 2,
        acknowledged: BTreeSet::from([(id.to_owned(), number)]),
        refused: None,
    };
    let commands = Commands::from([("k1".to_owned(), command("r1", 1)), ("k2".to_owned(), command("r2", 2))]);
    let mut observed = Observed {
        results: vec![("r1".to_owned(), Some(1)), ("r2".to_owned(), Some(2))],
        published: Some(Vec::new()),
        ..Observed::default()
    };
    for (kind, aggregate) in [("UserCreated", "u1"), ("ResultCreated", "r1"), ("ResultCreated", "r2")] {
        let (created, notification) = (format!("created-{aggregate}"), format!("notification-{aggregate}"));
        observed.saga.push(saga_event(&created, kind, aggregate, ""));
        observed.saga.push(saga_event(&format!("sent-{aggregate}"), "NotificationSent", &notification, &created));
        observed.mails.insert(notification.clone(), 1);
        observed.notifications.push(Notification {
            id: notification,
            source_event: created.clone(),
            state: "sent".to_owned(),
        });
        let kind = if kind == "UserCreated" { "users.user_created" } else { "results.result_created" };
        observed.published.as_mut().unwrap().push(message(&created, kind, aggregate, 1));
    }
    (commands, observed)
}

fn saga_event(id: &str, kind: &str, aggregate: &str, causation: &str) -> SagaEvent {
    let state = "PROCESSED".to_owned();
    let (id, kind) = (id.to_owned(), kind.to_owned());
    SagaEvent { id, kind, state, aggregate: aggregate.to_owned(), causation: causation.to_owned() }
}

fn message(event: &str, kind: &str, stream: &str, version: i64) -> Published {
    Published { event: event.to_owned(), kind: kind.to_owned(), stream: stream.to_owned(), version }
}

/// The rules that do not hold when a whole history is changed so.
fn broken(change: impl FnOnce(&mut Commands, &mut Observed)) -> Vec<&'static str> {
    let (mut commands, mut observed) = whole();
    change(&mut commands, &mut observed);
    let mut rules: Vec<_> = check(&commands, &observed).broken.iter().map(|broken| broken.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn a_whole_history_breaks_nothing() {
    assert_eq!(broken(|_, _| ()), [""; 0]);
}

#[test]
fn an_acknowledged_result_that_is_not_there_is_lost() {
    let (commands, mut observed) = whole();
    observed.results.remove(1);
    let verdict = check(&commands, &observed);
    assert_eq!(verdict.lost, ["r2"]);
    assert_eq!(verdict.broken[0].rule, LOST);
}

#[test]
fn a_result_that_nobody_was_answered_is_doubled() {
    let (commands, mut observed) = whole();
    observed.results.push(("r3".to_owned(), Some(3)));
    let verdict = check(&commands, &observed);
    assert_eq!(verdict.doubled, ["result r3 is nobody's"]);
}

#[test]
fn a_command_without_an_answer_may_have_been_done_once_and_not_twice() {
    let unanswered = Command { round: 1, sent: 3, ..Command::default() };
    let (mut commands, mut observed) = whole();
    commands.insert("k3".to_owned(), unanswered);
    observed.results.push(("r3".to_owned(), Some(3)));
    let verdict = check(&commands, &observed);
    assert_eq!(verdict.doubled, [""; 0]);
    assert_eq!(verdict.broken[0].rule, "whoever repeats a command gets its answer");
    observed.results.push(("r4".to_owned(), Some(4)));
    assert_eq!(check(&commands, &observed).doubled.len(), 2);
}

#[test]
fn one_command_has_one_result() {
    let two = |commands: &mut Commands, _: &mut Observed| {
        commands.get_mut("k1").unwrap().acknowledged.insert(("r2".to_owned(), 2));
    };
    assert_eq!(broken(two), [TWICE]);
    assert_eq!(
        broken(|_, observed| observed.results.push(("r1".to_owned(), Some(9)))),
        [
            TWICE,
            "a result keeps its number",
            // There were two, and the saga log has one.
            "every result is in the saga log"
        ]
    );
}

#[test]
fn a_number_is_given_once_and_kept() {
    assert_eq!(broken(|_, observed| observed.results[1].1 = Some(1)), [TWICE, "a result keeps its number"]);
    assert_eq!(broken(|_, observed| observed.results[1].1 = Some(7)), ["a result keeps its number"]);
}

#[test]
fn a_right_command_is_not_refused() {
    let refused = |commands: &mut Commands, _: &mut Observed| {
        let refused = Some("422".to_owned());
        commands.insert("k3".to_owned(), Command { round: 1, sent: 1, refused, ..Command::default() });
    };
    assert_eq!(broken(refused), ["what is right is not refused"]);
}

#[test]
fn a_torn_stream_is_found() {
    let torn = broken(|_, observed| observed.torn.push("results: s1".to_owned()));
    assert_eq!(torn, ["versions have no gap and a head is its stream's end"]);
}

#[test]
fn a_notification_that_nobody_got_or_that_was_sent_twice_is_found() {
    assert_eq!(broken(|_, observed| drop(observed.saga.remove(5))), ["everybody is told"]);
    let twice = broken(|_, observed| observed.saga.push(saga_event("again", "NotificationSent", "n", "created-r1")));
    assert_eq!(twice, [TWICE]);
    let unasked = broken(|_, observed| observed.saga.push(saga_event("x", "NotificationSent", "n", "nothing")));
    assert_eq!(unasked, ["nobody is told of what did not happen"]);
}

#[test]
fn a_result_is_in_the_saga_log_once() {
    let gone = broken(|_, observed| drop(observed.saga.drain(4..)));
    assert_eq!(gone, ["every result is in the saga log"]);
    let invented = broken(|_, observed| {
        observed.saga.push(saga_event("x", "ResultCreated", "r9", ""));
        observed.saga.push(saga_event("y", "NotificationSent", "n", "x"));
    });
    assert_eq!(invented, ["the saga log tells of nothing that did not happen"]);
}

#[test]
fn a_mail_that_is_missing_or_not_owed_is_found() {
    assert_eq!(
        broken(|_, observed| {
            observed.mails.remove("notification-r2");
        }),
        ["what is sent has come"]
    );
    let more = broken(|_, observed| {
        observed.mails.insert("elsewhere".to_owned(), 1);
    });
    assert_eq!(more, ["nobody gets a mail that is not owed"]);
    // The same mail under the same id again is what SMTP may do.
    assert_eq!(
        broken(|_, observed| {
            observed.mails.insert("notification-r2".to_owned(), 2);
        }),
        [""; 0]
    );
}

#[test]
fn two_notifications_of_one_event_are_one_too_many() {
    let second = |_: &mut Commands, observed: &mut Observed| {
        let second = Notification { id: "second".to_owned(), ..observed.notifications[1].clone() };
        observed.notifications.push(second);
        observed.mails.insert("second".to_owned(), 1);
    };
    assert_eq!(broken(second), [TWICE]);
    let waiting = broken(|_, observed| observed.notifications[1].state = "failed".to_owned());
    assert_eq!(waiting, ["every notification is sent"]);
}

#[test]
fn an_event_that_waits_for_ever_is_found() {
    let waiting = broken(|_, observed| observed.saga[2].state = "RECEIVED".to_owned());
    assert_eq!(waiting, ["every event is PROCESSED or FAILED"]);
    assert_eq!(
        broken(|_, observed| observed.saga.push(saga_event("x", "", "", ""))),
        ["an answer belongs to an event"]
    );
}

#[test]
fn only_poison_fails_and_has_a_dead_letter() {
    let failed = |_: &mut Commands, observed: &mut Observed| observed.saga[2].state = "FAILED".to_owned();
    assert_eq!(broken(failed), ["what fails has a dead letter"]);
    let dead = |commands: &mut Commands, observed: &mut Observed| {
        failed(commands, observed);
        observed.dead_letters.push(("notifications".to_owned(), "created-r1".to_owned()));
    };
    assert_eq!(broken(dead), ["only poison fails", "only poison becomes a dead letter"]);
    let poison = |_: &mut Commands, observed: &mut Observed| {
        observed.poison.insert("forged".to_owned());
        observed.dead_letters.push(("notifications".to_owned(), "forged".to_owned()));
        let forged = saga_event("forged", "ResultCreated", "r9", "");
        observed.saga.push(SagaEvent { state: "FAILED".to_owned(), ..forged });
    };
    assert_eq!(broken(poison), [""; 0]);
    let unopened = |_: &mut Commands, observed: &mut Observed| {
        observed.poison.insert("forged".to_owned());
        let forged = saga_event("forged", "ResultCreated", "r9", "");
        observed.saga.push(SagaEvent { state: "FAILED".to_owned(), ..forged });
        observed.notifications.push(Notification {
            id: "given-up".to_owned(),
            source_event: "forged".to_owned(),
            state: "dead".to_owned(),
        });
    };
    assert_eq!(broken(unopened), [""; 0]);
}

#[test]
fn what_is_published_is_complete_and_in_order_and_may_be_repeated() {
    fn messages(observed: &mut Observed) -> &mut Vec<Published> {
        observed.published.as_mut().unwrap()
    }
    assert_eq!(broken(|_, observed| drop(messages(observed).remove(1))), ["every result is published"]);
    let order = broken(|_, observed| {
        messages(observed).push(message("later", "results.result_amended", "r1", 3));
        messages(observed).push(message("earlier", "results.result_amended", "r1", 2));
    });
    assert_eq!(order, ["a stream's events are published in their order"]);
    let again = broken(|_, observed| {
        let first = messages(observed)[1].clone();
        messages(observed).push(message("later", "results.result_amended", "r1", 2));
        messages(observed).push(first);
    });
    assert_eq!(again, [""; 0]);
}
