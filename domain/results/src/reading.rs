//! Who may read which results: the one table, for single results, histories and lists alike.
//!
//! Whoever may not read a result is answered exactly as if it did not exist.
use domain_kernel::{Role, UserId};

/// What of all results a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every result.
    All,
    /// Only the results that staff linked to this account.
    LinkedTo(UserId),
    /// None.
    Nothing,
}

impl Scope {
    /// What `reader` may see in `role`.
    ///
    /// Physicians and nurses see all until care relationships exist; a patient sees what staff linked to the account
    /// and nothing by a name, a RUT or an address; those who manage, audit or administrate read no clinical content.
    #[must_use]
    pub fn of(role: Role, reader: UserId) -> Self {
        match role {
            Role::Laboratory | Role::Physician | Role::Nurse => Self::All,
            Role::Patient => Self::LinkedTo(reader),
            Role::Administrator | Role::Auditor | Role::Administration | Role::Accounting | Role::Reception => {
                Self::Nothing
            }
        }
    }

    /// Whether a result that is linked to `patient` (or to nobody) is among them.
    #[must_use]
    pub fn includes(self, patient: Option<UserId>) -> bool {
        match self {
            Self::All => true,
            Self::LinkedTo(reader) => patient == Some(reader),
            Self::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_table_of_who_reads_what() {
        let own = UserId(Uuid::from_u128(1));
        let other = UserId(Uuid::from_u128(2));
        // role, own result, another patient's result, a result linked to nobody
        let table = [
            (Role::Laboratory, [true, true, true]),
            (Role::Physician, [true, true, true]),
            (Role::Patient, [true, false, false]),
            (Role::Administrator, [false, false, false]),
            (Role::Auditor, [false, false, false]),
            (Role::Nurse, [true, true, true]),
            (Role::Administration, [false, false, false]),
            (Role::Accounting, [false, false, false]),
            (Role::Reception, [false, false, false]),
        ];
        assert_eq!(table.map(|(role, _)| role), Role::ALL, "every role has its line");
        for (role, expected) in table {
            let scope = Scope::of(role, own);
            let actual = [Some(own), Some(other), None].map(|patient| scope.includes(patient));
            assert_eq!(actual, expected, "{role}");
        }
    }
}
