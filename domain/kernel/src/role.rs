//! What a user may do, as a closed list shared by all contexts.
use std::fmt;
use std::str::FromStr;

/// A user's role. Number and name are fixed for ever: both are in stored events and in clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Files, releases and amends results, and reads them.
    Laboratory = 1,
    /// Files and amends results, and reads those of the patients in their care.
    Physician = 2,
    /// Reads the results that were linked to them.
    Patient = 3,
    /// Manages accounts and the platform; reads no clinical content.
    Administrator = 4,
    /// Reads every saga log; no clinical content.
    Auditor = 5,
    /// Reads results of the patients in their care.
    Nurse = 6,
    /// The medical office's administration.
    Administration = 7,
    /// The medical office's accounts.
    Accounting = 8,
    /// The medical office's front desk.
    Reception = 9,
}

impl Role {
    /// Every role, in the order of the numbers.
    pub const ALL: [Self; 9] = [
        Self::Laboratory,
        Self::Physician,
        Self::Patient,
        Self::Administrator,
        Self::Auditor,
        Self::Nurse,
        Self::Administration,
        Self::Accounting,
        Self::Reception,
    ];

    /// The number that clients send and events store.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name that clients may send instead of the number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Laboratory => "laboratory",
            Self::Physician => "physician",
            Self::Patient => "patient",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Nurse => "nurse",
            Self::Administration => "administration",
            Self::Accounting => "accounting",
            Self::Reception => "reception",
        }
    }

    /// # Errors
    /// [`UnknownRole`] for a number that no role has.
    pub fn from_number(number: i64) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| i64::from(role.number()) == number).ok_or(UnknownRole)
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Neither a number from 1 to 9 nor a role's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is a number from 1 to 9 or a role's name")]
pub struct UnknownRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_never_change() {
        let pinned = [
            (1, "laboratory"),
            (2, "physician"),
            (3, "patient"),
            (4, "administrator"),
            (5, "auditor"),
            (6, "nurse"),
            (7, "administration"),
            (8, "accounting"),
            (9, "reception"),
        ];
        assert_eq!(Role::ALL.map(|role| (role.number(), role.name())), pinned);
    }

    #[test]
    fn a_role_is_found_by_number_and_by_name() {
        for role in Role::ALL {
            assert_eq!(Role::from_number(role.number().into()), Ok(role));
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert_eq!(Role::from_number(0), Err(UnknownRole));
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_role_is_shown_by_its_name() {
        assert_eq!(Role::Physician.to_string(), "physician");
    }
}
