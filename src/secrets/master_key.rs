//! The one key an operator holds.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// Bytes in a master key and in a data key: what XChaCha20-Poly1305 takes.
pub(super) const KEY_BYTES: usize = 32;

/// Padding is accepted and not asked for: tools that make keys disagree about it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key of the settings that wraps the data keys; wiped from memory when dropped and never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// A text is not a master key; says what was found without repeating it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKey {
    /// Not base64 at all.
    #[error("a value that is not base64")]
    NotBase64,
    /// Base64 of too few or too many bytes.
    #[error("a value of {0} bytes after decoding")]
    WrongLength(usize),
}

impl MasterKey {
    /// A key of these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new random key, for `rollcall demo` and tests.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads 32 bytes of base64, as `openssl rand -base64 32` writes them.
    pub fn from_base64(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| InvalidMasterKey::NotBase64)?);
        let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice());
        key.map(Self::from_bytes).map_err(|_| InvalidMasterKey::WrongLength(bytes.len()))
    }

    /// The key as the settings take it.
    pub fn to_base64(&self) -> SecretString {
        SecretString::from(BASE64.encode(*self.0))
    }

    /// The bytes, for the cipher only.
    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_master_key_survives_the_way_through_base64() {
        let key = MasterKey::random();
        let read = MasterKey::from_base64(key.to_base64().expose_secret()).unwrap();
        assert_eq!(read.bytes(), key.bytes());
        let unpadded = key.to_base64().expose_secret().trim_end_matches('=').to_owned();
        assert_eq!(MasterKey::from_base64(&unpadded).unwrap().bytes(), key.bytes());
    }

    #[test]
    fn a_wrong_length_is_named() {
        assert_eq!(MasterKey::from_base64("AAAA").unwrap_err(), InvalidMasterKey::WrongLength(3));
        assert_eq!(MasterKey::from_base64("%%%").unwrap_err(), InvalidMasterKey::NotBase64);
    }

    #[test]
    fn a_master_key_is_never_printed() {
        let key = MasterKey::from_bytes([65; 32]);
        assert_eq!(format!("{key:?}"), "MasterKey([REDACTED])");
    }
}
