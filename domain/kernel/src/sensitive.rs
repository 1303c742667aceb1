//! Personal and clinical values, marked so that nothing prints or stores them by accident.
use std::fmt;

/// A value that identifies or describes a person.
///
/// It reaches storage only sealed under the subject's key. Once that key is destroyed the value comes back as
/// [`Sensitive::Erased`], and every fold must survive that: history outlives what it says about a person.
#[derive(Clone, PartialEq, Eq)]
pub enum Sensitive<T> {
    /// The value, as long as its key exists.
    Known(T),
    /// The key is gone, and with it the value; for good.
    Erased,
}

impl<T> Sensitive<T> {
    /// The value, unless it was erased.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// The value, unless it was erased.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// Another view of the same value; erased stays erased.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sensitive<U> {
        match self {
            Self::Known(value) => Sensitive::Known(change(value)),
            Self::Erased => Sensitive::Erased,
        }
    }

    /// A borrowed view.
    pub fn as_ref(&self) -> Sensitive<&T> {
        match self {
            Self::Known(value) => Sensitive::Known(value),
            Self::Erased => Sensitive::Erased,
        }
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "[sensitive]",
            Self::Erased => "[erased]",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_is_never_printed() {
        assert_eq!(format!("{:?}", Sensitive::Known("Ana Soto")), "[sensitive]");
        assert_eq!(format!("{:?}", Sensitive::<&str>::Erased), "[erased]");
    }

    #[test]
    fn erased_stays_erased() {
        assert_eq!(Sensitive::<i32>::Erased.map(|number| number + 1), Sensitive::Erased);
        assert_eq!(Sensitive::Known(1).map(|number| number + 1).known(), Some(&2));
    }

    #[test]
    fn only_a_known_value_comes_out() {
        assert_eq!(Sensitive::Known(1).into_known(), Some(1));
        assert_eq!(Sensitive::<i32>::Erased.into_known(), None);
        assert_eq!(Sensitive::<i32>::Erased.known(), None);
        assert_eq!(Sensitive::Known(1).as_ref(), Sensitive::Known(&1));
        assert_eq!(Sensitive::<i32>::Erased.as_ref(), Sensitive::Erased);
        assert_eq!(Sensitive::from(1), Sensitive::Known(1));
    }
}
