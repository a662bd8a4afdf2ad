//! What may stand in a log.
//!
//! Ids may: of connections, tenants, objects, accounts, runs and subscriptions, because they say nothing about a
//! person by themselves. Names, mail addresses, telephone numbers, bodies, tokens and client states may not.

use std::fmt;

/// A value that may be passed around and never printed; what it stands for is found by the id next to it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Redacted<T>(pub T);

/// What is printed in its place.
const REDACTED: &str = "[redacted]";

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::Redacted;

    #[test]
    fn a_redacted_value_is_not_printed_either_way() {
        let name = Redacted("Ada Lovelace");
        assert_eq!(format!("{name} {name:?} {:?}", Some(name)), "[redacted] [redacted] Some([redacted])");
    }
}
