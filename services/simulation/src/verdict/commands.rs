//! What clients were told, and what is stored: no acknowledged command is lost, none took effect twice.
use crate::client::{Answer, Answers, sender};
use crate::plan::{Act, Change, Command, Service};
use crate::platform::Platform;
use domain_kernel::{RecordedEvent, StreamId, Version};
use std::collections::BTreeMap;

/// Every command took effect as its sender was told, and still does.
pub(super) fn as_answered(platform: &Platform, answers: &Answers) -> Result<(), String> {
    for command in &platform.world.plan.commands {
        if let Some(answer) = answers.of(command.number) {
            holds(platform, *command, &answer)?;
        }
    }
    names_are_unique(platform, answers)
}

/// `command` has had the effect that `answer` tells of, or none if that says so.
pub(crate) fn holds(platform: &Platform, command: Command, answer: &Answer) -> Result<(), String> {
    let service = if matches!(command.act, Act::Register { .. }) { Service::Users } else { Service::Results };
    let user = sender(command.number);
    let stored = platform.databases[&service].events.events();
    let of_sender = |event: &&RecordedEvent| event.metadata.actor.is_some_and(|actor| actor.user == user);
    let caused: Vec<&RecordedEvent> = stored.iter().filter(of_sender).collect();
    hold(command, answer, &caused)
        .map_err(|broken| format!("command {} ({:?}) was answered {answer:?}: {broken}", command.number, command.act))
}

/// Of everybody who wants a name one gets it, and whoever is refused is refused for that.
fn names_are_unique(platform: &Platform, answers: &Answers) -> Result<(), String> {
    let mut wanted: BTreeMap<u8, Vec<Answer>> = BTreeMap::new();
    for command in &platform.world.plan.commands {
        if let (Act::Register { name }, Some(answer)) = (command.act, answers.of(command.number)) {
            wanted.entry(name).or_default().push(answer);
        }
    }
    let given = |answers: &[Answer]| answers.iter().filter(|answer| matches!(answer, Answer::Done { .. })).count();
    match wanted.iter().find(|(_, answers)| given(answers) != 1) {
        Some((name, answers)) => Err(format!("username {name} is given to {} accounts", given(answers))),
        None => Ok(()),
    }
}

fn hold(command: Command, answer: &Answer, caused: &[&RecordedEvent]) -> Result<(), String> {
    match (command.act, answer) {
        (Act::File { .. }, Answer::Refused(_)) => Err("nothing speaks against it".to_owned()),
        (Act::Read { .. }, Answer::Done { .. }) if caused.is_empty() => Err("nothing tells who looked".to_owned()),
        (Act::Read { .. }, _) => Ok(()),
        (Act::Register { .. }, Answer::Done { result, .. }) => {
            // Created, and its password set: one append.
            let apart = caused.len() != 2 || caused.iter().any(|event| event.stream != StreamId(*result));
            if apart { Err(format!("it has caused {} events", caused.len())) } else { Ok(()) }
        }
        (_, Answer::Refused(_)) if caused.is_empty() => Ok(()),
        (_, Answer::Refused(_)) => Err("it took effect all the same".to_owned()),
        // Already so: nothing was to be done.
        (Act::Change { change: Change::Release | Change::EnterInError, .. }, Answer::Done { .. })
            if caused.is_empty() =>
        {
            Ok(())
        }
        (act, Answer::Done { result, version }) => {
            let [event] = caused else { return Err(format!("it took effect {} times", caused.len())) };
            if (event.stream, event.version) != (StreamId(*result), *version) {
                return Err(format!("it took effect at version {} of {}", event.version, event.stream));
            }
            // Who changes only what they have seen has seen the version it was filed with.
            let seen = matches!(act, Act::Change { if_match: true, .. });
            if seen && *version != Version(2) {
                return Err("it changed a version that its sender has not seen".to_owned());
            }
            Ok(())
        }
    }
}
