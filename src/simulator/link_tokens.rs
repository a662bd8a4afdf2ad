//! The opaque tokens inside of next links and delta links: readable by the simulator alone, and not to be edited.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Bytes of the seal in front of the content.
const SEAL_BYTES: usize = 8;

fn seal(secret: &[u8], content: &[u8]) -> [u8; SEAL_BYTES] {
    let digest = Sha256::new().chain_update(secret).chain_update(content).finalize();
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(&digest[..SEAL_BYTES]);
    seal
}

/// Writes a token.
pub(super) fn encode(secret: &[u8], content: &impl Serialize) -> String {
    let content = serde_json::to_vec(content).expect("tokens are plain structs");
    let mut bytes = seal(secret, &content).to_vec();
    bytes.extend(content);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; none when it was not made here.
pub(super) fn decode<T: DeserializeOwned>(secret: &[u8], token: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (found, content) = bytes.split_at_checked(SEAL_BYTES)?;
    if found != seal(secret, content) {
        return None;
    }
    serde_json::from_slice(content).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_token_is_not_read() {
        let token = encode(b"secret", &7_u32);
        assert_eq!(decode::<u32>(b"secret", &token), Some(7));
        assert_eq!(decode::<u32>(b"another", &token), None);
        assert_eq!(decode::<u32>(b"secret", &format!("{token}AA")), None);
    }
}
