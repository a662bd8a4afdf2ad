//! The client state Graph sends back with every notification, signed so that it need not be stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use subtle::ConstantTimeEq as _;

use super::data_key::{KeyVersion, keyed};
use super::{Keyring, SecretsError, length_prefixed};
use crate::directory::ConnectionId;

/// What the signing sub-key is derived with; a change makes every live subscription's notifications be rejected.
const SIGNING_PURPOSE: &[u8] = b"rollcall client state v1";

/// Names the form of what follows, so that another form can be told apart later.
const CLIENT_STATE_PREFIX: &str = "v1.";

impl Keyring {
    /// The client state of a connection's subscription to a resource, 46 characters (Graph takes up to 128).
    ///
    /// # Errors
    /// [`SecretsError::UnknownKeyVersion`] when the ring has no such data key.
    pub fn client_state(
        &self,
        version: KeyVersion,
        connection: &ConnectionId,
        resource: &str,
    ) -> Result<String, SecretsError> {
        let mut mac = keyed(&self.key(version)?.sub_key(SIGNING_PURPOSE));
        mac.update(&length_prefixed(&[connection.as_str(), resource]));
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Ok(format!("{CLIENT_STATE_PREFIX}{signature}"))
    }

    /// Whether `candidate` is that client state, in time that does not depend on where it differs.
    ///
    /// `false` also when the ring has no such data key.
    pub fn verifies(&self, candidate: &str, version: KeyVersion, connection: &ConnectionId, resource: &str) -> bool {
        self.client_state(version, connection, resource)
            .is_ok_and(|expected| bool::from(expected.as_bytes().ct_eq(candidate.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contoso() -> ConnectionId {
        "contoso".parse().unwrap()
    }

    #[test]
    fn a_client_state_has_46_url_safe_characters_and_verifies() {
        let ring = Keyring::new_random();
        let state = ring.client_state(KeyVersion(1), &contoso(), "users").unwrap();
        assert_eq!(state.len(), 46);
        assert!(state.starts_with("v1."));
        assert!(state[3..].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{state}");
        assert!(ring.verifies(&state, KeyVersion(1), &contoso(), "users"));
    }

    #[test]
    fn a_client_state_of_another_connection_resource_or_key_does_not_verify() {
        let mut ring = Keyring::new_random();
        let state = ring.client_state(KeyVersion(1), &contoso(), "users").unwrap();
        let second = ring.rotate();
        assert!(!ring.verifies(&state, KeyVersion(1), &"fabrikam".parse().unwrap(), "users"));
        assert!(!ring.verifies(&state, KeyVersion(1), &contoso(), "groups"));
        assert!(!ring.verifies(&state, second, &contoso(), "users"));
        assert!(!ring.verifies(&state, KeyVersion(9), &contoso(), "users"));
        assert!(ring.verifies(&state, KeyVersion(1), &contoso(), "users"));
    }

    #[test]
    fn a_shortened_lengthened_or_empty_client_state_does_not_verify() {
        let ring = Keyring::new_random();
        let state = ring.client_state(KeyVersion(1), &contoso(), "users").unwrap();
        for candidate in ["", &state[..45], &state[3..], &format!("{state}="), &state.to_uppercase()] {
            assert!(!ring.verifies(candidate, KeyVersion(1), &contoso(), "users"), "{candidate}");
        }
    }
}
