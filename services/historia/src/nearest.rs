//! Names that nobody has: an error that lists the nearest ones that somebody has.
use crate::failure::Failure;

/// How many are listed.
const LISTED: usize = 3;
/// From this likeness on (Jaro and Winkler's, 0 to 1) two names may be meant for one another.
const ALIKE: f64 = 0.75;

/// There is no `kind` called `name`, but there are `known`.
pub(crate) fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.into_iter().collect();
    let mut near: Vec<(f64, &str)> =
        known.iter().map(|known| (likeness(name, known), *known)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (label, listed): (_, Vec<&str>) = if near.is_empty() {
        ("there are", known)
    } else {
        ("did you mean", near.into_iter().take(LISTED).map(|(_, known)| known).collect())
    };
    Failure::not_found(format!("there is no {kind} {name:?}; {label}: {}", listed.join(", ")))
}

/// A part of a name counts as much as one with a slip of the finger.
fn likeness(name: &str, known: &str) -> f64 {
    let whole = strsim::jaro_winkler(name, known);
    let last = known.rsplit_once('.').map_or(0.0, |(_, last)| strsim::jaro_winkler(name, last));
    if name.len() >= 3 && known.contains(name) { 1.0 } else { whole.max(last) }
}

#[cfg(test)]
mod tests {
    use super::unknown;
    use crate::exit::Exit;

    const TYPES: [&str; 3] = ["users.user_created", "results.result_created", "notifications.notification_sent"];

    #[test]
    fn a_slip_of_the_finger_names_what_was_meant() {
        let failure = unknown("event type", "result_craeted", TYPES);
        assert!(failure.message.contains("did you mean: results.result_created"), "{}", failure.message);
        assert_eq!(failure.exit, Exit::NotFound);
    }

    #[test]
    fn a_part_of_a_name_names_whatever_has_it() {
        let failure = unknown("event type", "created", TYPES);
        assert!(failure.message.contains("users.user_created, results.result_created"), "{}", failure.message);
    }

    #[test]
    fn a_name_like_no_other_names_them_all() {
        let failure = unknown("event type", "qqq", TYPES);
        assert!(TYPES.iter().all(|known| failure.message.contains(known)), "{}", failure.message);
    }
}
