//! The words on pages, in every language that there is. One structure, so that no language can lack a word.
mod english;
mod spanish;

use infra_runtime::Language;

/// The words of `language`.
pub(crate) fn words(language: Language) -> &'static Words {
    match language {
        Language::Spanish => &spanish::WORDS,
        Language::English => &english::WORDS,
    }
}

/// Title and advice.
pub(crate) type Told = (&'static str, &'static str);

/// The words of one language.
pub(crate) struct Words {
    pub(crate) skip_to_content: &'static str,
    pub(crate) navigation: &'static str,
    pub(crate) home: &'static str,
    pub(crate) saga_logs: &'static str,
    pub(crate) api: &'static str,
    /// In the other language, for who reads that one.
    pub(crate) other_language: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) sign_in_purpose: &'static str,
    pub(crate) wrong_credentials: &'static str,
    pub(crate) too_many_sign_ins: &'static str,
    pub(crate) cannot_sign_in_now: &'static str,
    pub(crate) what_is_wrong: &'static str,
    pub(crate) change_password: &'static str,
    pub(crate) change_password_purpose: &'static str,
    pub(crate) password_required: &'static str,
    pub(crate) current_password: &'static str,
    pub(crate) new_password: &'static str,
    pub(crate) new_password_again: &'static str,
    pub(crate) password_rule: &'static str,
    pub(crate) wrong_current_password: &'static str,
    pub(crate) weak_password: &'static str,
    pub(crate) passwords_differ: &'static str,
    pub(crate) password_changed: &'static str,
    pub(crate) go_on: &'static str,
    pub(crate) home_purpose: &'static str,
    pub(crate) saga_logs_purpose: &'static str,
    pub(crate) api_purpose: &'static str,
    pub(crate) status: &'static str,
    pub(crate) request: &'static str,
    pub(crate) detail: &'static str,
    pub(crate) back_home: &'static str,
    pub(crate) any: &'static str,
    pub(crate) filter: &'static str,
    pub(crate) no_filter: &'static str,
    pub(crate) state: &'static str,
    pub(crate) event: &'static str,
    pub(crate) event_type: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) saga: &'static str,
    pub(crate) no_events: &'static str,
    pub(crate) events_newest_first: &'static str,
    pub(crate) when_utc: &'static str,
    pub(crate) consumers: &'static str,
    pub(crate) consumer: &'static str,
    /// Where nobody owes an answer.
    pub(crate) nobody: &'static str,
    /// Before their number.
    pub(crate) attempts: &'static str,
    /// Above their numbers.
    pub(crate) attempts_column: &'static str,
    pub(crate) pages: &'static str,
    pub(crate) first_page: &'static str,
    pub(crate) next_page: &'static str,
    pub(crate) as_command: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copied: &'static str,
    pub(crate) gave_up: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) aggregate: &'static str,
    pub(crate) version: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) all: &'static str,
    pub(crate) timeline: &'static str,
    pub(crate) timeline_description: &'static str,
    pub(crate) timeline_as_table: &'static str,
    pub(crate) took: &'static str,
    pub(crate) since_begin: &'static str,
    pub(crate) error: &'static str,
    pub(crate) causes: &'static str,
    pub(crate) retry_asked: &'static str,
    pub(crate) skip_asked: &'static str,
    pub(crate) live_pause: &'static str,
    pub(crate) live_resume: &'static str,
    pub(crate) live_running: &'static str,
    pub(crate) live_paused: &'static str,
    pub(crate) live_ended: &'static str,
    pub(crate) live_fresh: &'static str,
    pub(crate) events: &'static str,
    pub(crate) events_purpose: &'static str,
    pub(crate) contents: &'static str,
    pub(crate) published_events: &'static str,
    pub(crate) stored_by: &'static str,
    pub(crate) producers: &'static str,
    pub(crate) readers: &'static str,
    pub(crate) owes: &'static str,
    pub(crate) field: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) no_fields: &'static str,
    pub(crate) operations: &'static str,
    pub(crate) operations_purpose: &'static str,
    pub(crate) services: &'static str,
    pub(crate) service: &'static str,
    pub(crate) dead_letters: &'static str,
    pub(crate) answers: &'static str,
    pub(crate) does_not_answer: &'static str,
    pub(crate) breakers: &'static str,
    pub(crate) breaker_closed: &'static str,
    pub(crate) breaker_open: &'static str,
    pub(crate) breaker_half_open: &'static str,
    pub(crate) since: &'static str,
    pub(crate) projections: &'static str,
    pub(crate) projection: &'static str,
    pub(crate) generation: &'static str,
    pub(crate) behind_events: &'static str,
    pub(crate) behind_age: &'static str,
    pub(crate) rebuilding: &'static str,
    pub(crate) rebuild_broken_off: &'static str,
    pub(crate) paused: &'static str,
    pub(crate) follows: &'static str,
    pub(crate) waits: &'static str,
    pub(crate) pause: &'static str,
    pub(crate) resume: &'static str,
    pub(crate) parked_streams: &'static str,
    pub(crate) no_letters: &'static str,
    pub(crate) letters_purpose: &'static str,
    pub(crate) parked_behind: &'static str,
    pub(crate) wish: &'static str,
    pub(crate) more_letters: &'static str,
    pub(crate) operator_asked: &'static str,
    pub(crate) retry: Told,
    pub(crate) skip: Told,
    /// By role, in the order of the numbers.
    pub(crate) roles: [&'static str; 9],
    /// By a problem's code.
    pub(crate) problems: &'static [(&'static str, &'static str, &'static str)],
    /// Of a code that is not among them.
    pub(crate) other_problem: Told,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const LANGUAGES: [Language; 2] = [Language::Spanish, Language::English];

    #[test]
    fn every_language_tells_of_the_same_problems() {
        let codes = |language| words(language).problems.iter().map(|(code, ..)| *code).collect::<Vec<_>>();
        assert_eq!(codes(Language::Spanish), codes(Language::English));
        let distinct: BTreeSet<_> = codes(Language::English).into_iter().collect();
        assert_eq!(distinct.len(), codes(Language::English).len());
    }

    #[test]
    fn no_language_leaves_a_word_out() {
        for language in LANGUAGES {
            let words = words(language);
            assert!(words.roles.iter().all(|role| !role.is_empty()));
            assert!(words.problems.iter().all(|(_, title, advice)| !title.is_empty() && !advice.is_empty()));
        }
    }
}
