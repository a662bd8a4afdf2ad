//! All data keys of a database, opened.

use std::collections::BTreeMap;

use super::data_key::{DataKey, KeyVersion, MasterKeyUsed, MasterKeys, WrappedKey};
use super::{MasterKey, SecretsError};

/// The opened data keys and which of them is used for what is new.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: KeyVersion,
    keys: BTreeMap<KeyVersion, DataKey>,
}

/// A keyring read from the database, and the rows to write back.
#[derive(Debug)]
pub struct UnlockedKeyring {
    /// The ring, ready for use.
    pub keyring: Keyring,
    /// Data keys that only the previous master key opened, wrapped again under the current one: write these rows.
    pub rewrapped: Vec<WrappedKey>,
}

impl Keyring {
    /// A ring with one new data key, for an empty database.
    pub fn new_random() -> Self {
        Self { current: KeyVersion::FIRST, keys: BTreeMap::from([(KeyVersion::FIRST, DataKey::random())]) }
    }

    /// A ring of these keys with `current` used for what is new.
    ///
    /// # Errors
    /// [`SecretsError::UnknownKeyVersion`] when `current` is not among the keys.
    pub fn from_keys(current: KeyVersion, keys: BTreeMap<KeyVersion, DataKey>) -> Result<Self, SecretsError> {
        if keys.contains_key(&current) {
            Ok(Self { current, keys })
        } else {
            Err(SecretsError::UnknownKeyVersion { version: current })
        }
    }

    /// Opens every data key of a database.
    ///
    /// # Errors
    /// [`SecretsError::WrongMasterKey`] when one does not open, [`SecretsError::UnknownKeyVersion`] when `current` is
    /// not among them.
    pub fn unlock(
        master: &MasterKeys,
        current: KeyVersion,
        wrapped: impl IntoIterator<Item = WrappedKey>,
    ) -> Result<UnlockedKeyring, SecretsError> {
        let mut keys = BTreeMap::new();
        let mut rewrapped = Vec::new();
        for row in wrapped {
            let (key, used) = master.open(&row)?;
            if used == MasterKeyUsed::Previous {
                rewrapped.push(master.current.wrap(row.version, &key));
            }
            keys.insert(row.version, key);
        }
        Ok(UnlockedKeyring { keyring: Self::from_keys(current, keys)?, rewrapped })
    }

    /// Adds a new data key and makes it the current one; the older ones still open what they sealed.
    pub fn rotate(&mut self) -> KeyVersion {
        let newest = self.keys.last_key_value().map_or(self.current, |(version, _)| *version);
        self.current = newest.next();
        self.keys.insert(self.current, DataKey::random());
        self.current
    }

    /// Takes an old data key out of the ring, once nothing is sealed or signed with it any more; never the current one.
    pub fn retire(&mut self, version: KeyVersion) -> bool {
        version != self.current && self.keys.remove(&version).is_some()
    }

    /// The version used for what is new.
    pub fn current(&self) -> KeyVersion {
        self.current
    }

    /// Every version of the ring, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = KeyVersion> + '_ {
        self.keys.keys().copied()
    }

    /// A data key of the ring, wrapped for the database.
    ///
    /// # Errors
    /// [`SecretsError::UnknownKeyVersion`] when the ring has no such version.
    pub fn wrap(&self, master: &MasterKey, version: KeyVersion) -> Result<WrappedKey, SecretsError> {
        Ok(master.wrap(version, self.key(version)?))
    }

    pub(super) fn key(&self, version: KeyVersion) -> Result<&DataKey, SecretsError> {
        self.keys.get(&version).ok_or(SecretsError::UnknownKeyVersion { version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    fn rows(ring: &Keyring, master: &MasterKey) -> Vec<WrappedKey> {
        ring.versions().map(|version| ring.wrap(master, version).unwrap()).collect()
    }

    #[test]
    fn a_ring_written_under_the_previous_master_key_comes_back_rewrapped() {
        let mut ring = Keyring::new_random();
        let second = ring.rotate();
        let stored = rows(&ring, &master(1));
        let change = MasterKeys { current: master(2), previous: Some(master(1)) };
        let opened = Keyring::unlock(&change, second, stored).unwrap();
        assert_eq!(opened.rewrapped.len(), 2);

        let after = MasterKeys { current: master(2), previous: None };
        let again = Keyring::unlock(&after, second, opened.rewrapped).unwrap();
        assert!(again.rewrapped.is_empty());
        assert_eq!(again.keyring.current(), KeyVersion(2));
    }

    #[test]
    fn a_ring_without_its_current_key_is_refused() {
        let ring = Keyring::new_random();
        let keys = MasterKeys { current: master(1), previous: None };
        let error = Keyring::unlock(&keys, KeyVersion(7), rows(&ring, &master(1))).unwrap_err();
        assert_eq!(error, SecretsError::UnknownKeyVersion { version: KeyVersion(7) });
    }

    #[test]
    fn the_current_key_cannot_be_retired() {
        let mut ring = Keyring::new_random();
        assert!(!ring.retire(KeyVersion::FIRST));
        ring.rotate();
        assert!(ring.retire(KeyVersion::FIRST));
        assert_eq!(ring.versions().collect::<Vec<_>>(), [KeyVersion(2)]);
    }
}
