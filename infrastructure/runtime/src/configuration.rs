//! The two settings that every part of the platform shares.
use std::fmt;
use std::str::FromStr;

/// Which rules of safety hold. What the demo allows and production does not is decided by this and by nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// One machine, loopback only: open registration, short passwords, a mailbox in the browser.
    Demo,
    /// Patients' data: accounts by invitation, secrets from files, TLS everywhere.
    Production,
}

/// The language of mails, pages and the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Español.
    Spanish,
    /// English.
    English,
}

/// A setting has a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be one of {allowed}")]
pub struct UnknownSetting {
    /// Which setting.
    pub setting: &'static str,
    /// What it can be.
    pub allowed: &'static str,
}

impl Profile {
    /// The pinned name, as in settings and in the database's mark.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Production => "production",
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownSetting;

    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        match text {
            "demo" => Ok(Self::Demo),
            "production" => Ok(Self::Production),
            _ => Err(UnknownSetting { setting: "the profile", allowed: "demo, production" }),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Language {
    /// The code of ISO 639-1.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
        }
    }
}

impl FromStr for Language {
    type Err = UnknownSetting;

    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        match text {
            "es" => Ok(Self::Spanish),
            "en" => Ok(Self::English),
            _ => Err(UnknownSetting { setting: "the language", allowed: "es, en" }),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_back_from_its_name() {
        for profile in [Profile::Demo, Profile::Production] {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("Demo ".parse::<Profile>().is_err());
    }

    #[test]
    fn a_language_is_read_back_from_its_code() {
        for language in [Language::Spanish, Language::English] {
            assert_eq!(language.to_string().parse(), Ok(language));
        }
        assert!("fr".parse::<Language>().is_err());
    }
}
