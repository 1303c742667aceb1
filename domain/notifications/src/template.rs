//! What a person is told. The wording is the service's; the list of occasions is closed.
use std::fmt;
use std::str::FromStr;

/// The occasion of a notification. Its name is part of the notification's id: never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Template {
    /// An account was made.
    Welcome,
    /// A result became final and can be read.
    ResultAvailable,
    /// A final result was amended or corrected and should be read again.
    ResultUpdated,
}

impl Template {
    /// Every occasion.
    pub const ALL: [Self; 3] = [Self::Welcome, Self::ResultAvailable, Self::ResultUpdated];

    /// The pinned name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::ResultAvailable => "result_available",
            Self::ResultUpdated => "result_updated",
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Template {
    type Err = UnknownTemplate;

    fn from_str(name: &str) -> Result<Self, UnknownTemplate> {
        Self::ALL.into_iter().find(|template| template.name() == name).ok_or(UnknownTemplate)
    }
}

/// No occasion has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such template")]
pub struct UnknownTemplate;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_names_never_change() {
        assert_eq!(Template::ALL.map(Template::name), ["welcome", "result_available", "result_updated"]);
        assert!(Template::ALL.into_iter().all(|template| template.name().parse() == Ok(template)));
        assert_eq!("farewell".parse::<Template>(), Err(UnknownTemplate));
    }
}
