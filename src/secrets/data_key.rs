//! Data keys and how the master key wraps them.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SecretsError;
use super::master_key::{KEY_BYTES, MasterKey};

/// Bytes of an XChaCha20 nonce; long enough to be drawn at random for every message.
pub(super) const NONCE_BYTES: usize = 24;

/// Which data key; the first is 1 and every rotation adds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion(pub i32);

impl KeyVersion {
    /// The version of a database's first data key.
    pub const FIRST: Self = Self(1);

    /// The version a rotation adds.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Thirty-two random bytes that sealing and signing keys are derived from; wiped when dropped and never printed.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// A new random data key.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// A key for one purpose only, so that no two algorithms ever share a key (HKDF-Expand of RFC 5869, one block).
    pub(super) fn sub_key(&self, purpose: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut mac = keyed(&self.0);
        mac.update(purpose);
        mac.update(&[1]);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([REDACTED])")
    }
}

/// HMAC-SHA256 under a key of the one length used here.
pub(super) fn keyed(key: &[u8; KEY_BYTES]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// A data key as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which data key.
    pub version: KeyVersion,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

impl MasterKey {
    /// Wraps a data key for the database.
    pub fn wrap(&self, version: KeyVersion, key: &DataKey) -> WrappedKey {
        let bytes =
            seal_bytes(self.bytes(), &wrapping_context(version), key.0.as_slice()).expect("32 bytes fit the cipher");
        WrappedKey { version, bytes }
    }

    fn open(&self, wrapped: &WrappedKey) -> Option<DataKey> {
        let opened = open_bytes(self.bytes(), &wrapping_context(wrapped.version), &wrapped.bytes)?;
        <[u8; KEY_BYTES]>::try_from(opened.as_slice()).ok().map(|bytes| DataKey(Zeroizing::new(bytes)))
    }
}

/// The version is part of what is authenticated: a row copied over another version's row does not open.
fn wrapping_context(version: KeyVersion) -> Vec<u8> {
    format!("rollcall data key v{version}").into_bytes()
}

/// The master key and, while it is being changed, the one before it.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    /// Wraps every new data key.
    pub current: MasterKey,
    /// Still opens data keys that were wrapped before the change.
    pub previous: Option<MasterKey>,
}

/// Which master key opened a data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterKeyUsed {
    /// The current one: nothing to do.
    Current,
    /// The previous one: wrap the data key again under the current one.
    Previous,
}

impl MasterKeys {
    /// Opens a wrapped data key with the current master key, else with the previous one, and says which it was.
    ///
    /// # Errors
    /// [`SecretsError::WrongMasterKey`] when neither opens it.
    pub fn open(&self, wrapped: &WrappedKey) -> Result<(DataKey, MasterKeyUsed), SecretsError> {
        if let Some(key) = self.current.open(wrapped) {
            return Ok((key, MasterKeyUsed::Current));
        }
        let previous = self.previous.as_ref().and_then(|previous| previous.open(wrapped));
        previous
            .map(|key| (key, MasterKeyUsed::Previous))
            .ok_or(SecretsError::WrongMasterKey { version: wrapped.version })
    }
}

/// Nonce and ciphertext of `plaintext`, bound to `context`; `None` when it is too long for the cipher.
pub(super) fn seal_bytes(key: &[u8; KEY_BYTES], context: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_BYTES];
    rand::fill(&mut nonce);
    let payload = Payload { msg: plaintext, aad: context };
    let ciphertext = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload).ok()?;
    Some([nonce.as_slice(), &ciphertext].concat())
}

/// The plaintext of nonce and ciphertext; `None` when key, context or a single bit differs.
pub(super) fn open_bytes(key: &[u8; KEY_BYTES], context: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: ciphertext, aad: context };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: u8, previous: Option<u8>) -> MasterKeys {
        let key = |byte| MasterKey::from_bytes([byte; 32]);
        MasterKeys { current: key(current), previous: previous.map(key) }
    }

    #[test]
    fn the_master_key_that_wrapped_a_data_key_opens_it_and_says_so() {
        let data_key = DataKey::random();
        let wrapped = MasterKey::from_bytes([1; 32]).wrap(KeyVersion(3), &data_key);
        let (opened, used) = keys(1, None).open(&wrapped).unwrap();
        assert_eq!((&opened.0, used), (&data_key.0, MasterKeyUsed::Current));
        let (opened, used) = keys(2, Some(1)).open(&wrapped).unwrap();
        assert_eq!((&opened.0, used), (&data_key.0, MasterKeyUsed::Previous));
    }

    #[test]
    fn a_wrong_master_key_is_told_what_to_do() {
        let wrapped = MasterKey::from_bytes([1; 32]).wrap(KeyVersion(3), &DataKey::random());
        let error = keys(2, Some(4)).open(&wrapped).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the master key does not open data key version 3: ROLLCALL_MASTER_KEY is not the one this database was \
             written with; give it, or put it in ROLLCALL_MASTER_KEY_PREVIOUS"
        );
    }

    #[test]
    fn a_wrapped_key_moved_to_another_version_does_not_open() {
        let mut wrapped = MasterKey::from_bytes([1; 32]).wrap(KeyVersion(3), &DataKey::random());
        wrapped.version = KeyVersion(4);
        assert!(keys(1, None).open(&wrapped).is_err());
    }

    #[test]
    fn sub_keys_of_two_purposes_differ_from_each_other_and_from_the_data_key() {
        let key = DataKey::random();
        assert_ne!(key.sub_key(b"one"), key.sub_key(b"two"));
        assert_ne!(key.sub_key(b"one"), key.0);
    }

    #[test]
    fn a_data_key_is_never_printed() {
        assert_eq!(format!("{:?}", DataKey(Zeroizing::new([65; 32]))), "DataKey([REDACTED])");
    }
}
