//! How Rollcall keeps secrets: pure cryptography, no database.
//!
//! Three layers, so that each can be changed without the others:
//! the **master key** of the settings wraps **data keys**; a data key, known by its version, seals stored secrets
//! and signs client states. Changing the master key re-wraps a few rows; `rollcall key rotate` adds a data key.
//!
//! A data key is never used itself: one sub-key derived from it seals and another one signs.

mod client_state;
mod data_key;
mod keyring;
mod master_key;
mod sealing;

pub use data_key::{DataKey, KeyVersion, MasterKeyUsed, MasterKeys, WrappedKey};
pub use keyring::{Keyring, UnlockedKeyring};
pub use master_key::{InvalidMasterKey, MasterKey};
pub use sealing::Sealed;

/// Why a secret could not be sealed, opened or signed.
///
/// No variant carries key material or plaintext.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// Neither the master key nor the previous one opens this data key.
    #[error(
        "the master key does not open data key version {version}: ROLLCALL_MASTER_KEY is not the one this database \
         was written with; give it, or put it in ROLLCALL_MASTER_KEY_PREVIOUS"
    )]
    WrongMasterKey {
        /// The data key that stays closed.
        version: KeyVersion,
    },
    /// The ring has no data key of this version.
    #[error(
        "data key version {version} is not in the database: restore its row, or enter the secrets sealed with it again"
    )]
    UnknownKeyVersion {
        /// The version asked for.
        version: KeyVersion,
    },
    /// The bytes are not what was sealed for this connection under this name.
    #[error(
        "the stored secret {name:?} of connection {connection} does not open with data key version {version}: it was \
         changed outside Rollcall or belongs elsewhere; enter the secret again"
    )]
    NotSealedHere {
        /// Whose secret was asked for.
        connection: crate::directory::ConnectionId,
        /// The name it was asked for under.
        name: String,
        /// The data key it names.
        version: KeyVersion,
    },
    /// The cipher takes no plaintext of this length (256 GiB and more).
    #[error("the secret is too long to be sealed")]
    TooLong,
}

/// Writes parts so that no two different lists of parts give the same bytes: each is preceded by its length.
fn length_prefixed(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::length_prefixed;

    #[test]
    fn parts_that_read_alike_when_joined_stay_apart() {
        assert_ne!(length_prefixed(&["ab", "c"]), length_prefixed(&["a", "bc"]));
        assert_ne!(length_prefixed(&["abc"]), length_prefixed(&["abc", ""]));
    }
}
