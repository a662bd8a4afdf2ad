//! Sealing the secrets a database keeps.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroize as _;

use super::data_key::{KeyVersion, open_bytes, seal_bytes};
use super::{Keyring, SecretsError, length_prefixed};
use crate::directory::ConnectionId;

/// What the sealing sub-key is derived with; a change makes every stored secret unreadable.
const SEALING_PURPOSE: &[u8] = b"rollcall sealing v1";

/// A secret as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The data key that opens it.
    pub key_version: KeyVersion,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

impl Keyring {
    /// Seals a secret of one connection under a name, with the current data key.
    ///
    /// Connection and name are authenticated: a row copied elsewhere does not open there.
    ///
    /// # Errors
    /// [`SecretsError::TooLong`] beyond 256 GiB.
    pub fn seal(
        &self,
        connection: &ConnectionId,
        name: &str,
        plaintext: &SecretString,
    ) -> Result<Sealed, SecretsError> {
        let key = self.key(self.current())?.sub_key(SEALING_PURPOSE);
        let context = length_prefixed(&[connection.as_str(), name]);
        let bytes = seal_bytes(&key, &context, plaintext.expose_secret().as_bytes()).ok_or(SecretsError::TooLong)?;
        Ok(Sealed { key_version: self.current(), bytes })
    }

    /// Opens what [`Keyring::seal`] sealed for the same connection under the same name.
    ///
    /// # Errors
    /// [`SecretsError::UnknownKeyVersion`] when its data key is gone, [`SecretsError::NotSealedHere`] when connection,
    /// name or bytes are not the sealed ones.
    pub fn open(&self, connection: &ConnectionId, name: &str, sealed: &Sealed) -> Result<SecretString, SecretsError> {
        let version = sealed.key_version;
        let key = self.key(version)?.sub_key(SEALING_PURPOSE);
        let context = length_prefixed(&[connection.as_str(), name]);
        let opened = open_bytes(&key, &context, &sealed.bytes).and_then(|mut bytes| into_secret(&mut bytes));
        let refused = || SecretsError::NotSealedHere { connection: connection.clone(), name: name.to_owned(), version };
        opened.ok_or_else(refused)
    }
}

/// Only text was ever sealed, so anything else cannot be ours; the bytes are wiped on that way too.
fn into_secret(bytes: &mut Vec<u8>) -> Option<SecretString> {
    match String::from_utf8(std::mem::take(bytes)) {
        Ok(text) => Some(SecretString::from(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(id: &str) -> ConnectionId {
        id.parse().unwrap()
    }

    fn sealed_by(ring: &Keyring) -> Sealed {
        ring.seal(&connection("contoso"), "client_secret", &SecretString::from("s3cret")).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_where_it_was_sealed_also_after_a_rotation() {
        let mut ring = Keyring::new_random();
        let sealed = sealed_by(&ring);
        ring.rotate();
        let opened = ring.open(&connection("contoso"), "client_secret", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "s3cret");
        assert_eq!(sealed_by(&ring).key_version, KeyVersion(2));
    }

    #[test]
    fn a_secret_of_another_connection_or_name_does_not_open() {
        let ring = Keyring::new_random();
        let sealed = sealed_by(&ring);
        assert!(ring.open(&connection("fabrikam"), "client_secret", &sealed).is_err());
        let error = ring.open(&connection("contoso"), "certificate", &sealed).unwrap_err();
        assert!(error.to_string().contains("\"certificate\" of connection contoso"), "{error}");
        assert!(ring.open(&connection("contosoc"), "lient_secret", &sealed).is_err());
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let ring = Keyring::new_random();
        let sealed = sealed_by(&ring);
        for index in 0..sealed.bytes.len() {
            let mut tampered = sealed.clone();
            tampered.bytes[index] ^= 1;
            let opened = ring.open(&connection("contoso"), "client_secret", &tampered);
            assert!(opened.is_err(), "byte {index}");
        }
        let cut = Sealed { bytes: sealed.bytes[..10].to_vec(), ..sealed };
        assert!(ring.open(&connection("contoso"), "client_secret", &cut).is_err());
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_bytes() {
        let ring = Keyring::new_random();
        assert_ne!(sealed_by(&ring).bytes, sealed_by(&ring).bytes);
    }

    #[test]
    fn a_secret_whose_data_key_is_gone_names_the_version() {
        let mut ring = Keyring::new_random();
        let sealed = sealed_by(&ring);
        ring.rotate();
        ring.retire(KeyVersion::FIRST);
        let error = ring.open(&connection("contoso"), "client_secret", &sealed).unwrap_err();
        assert_eq!(error, SecretsError::UnknownKeyVersion { version: KeyVersion(1) });
    }
}
