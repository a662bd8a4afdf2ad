//! Data keys survive a restart and a change of the master key.

use rollcall::secrets::{KeyVersion, MasterKey, MasterKeys, SecretsError};
use rollcall::store::keys::{KeysError, all, load_or_create};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::store::{START, opened};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    what_was_sealed_opens_after_a_restart,
    two_first_starts_at_once_agree_on_one_key,
    a_changed_master_key_wraps_the_data_keys_again,
    a_wrong_master_key_is_refused,
);

fn keys(current: u8, previous: Option<u8>) -> MasterKeys {
    let key = |byte| MasterKey::from_bytes([byte; 32]);
    MasterKeys { current: key(current), previous: previous.map(key) }
}

async fn what_was_sealed_opens_after_a_restart(database: TestDatabase) {
    let db = opened(&database).await;
    let contoso = "contoso".parse().unwrap();
    let ring = load_or_create(&db, &keys(1, None), START).await.unwrap();
    let sealed = ring.seal(&contoso, "client_secret", &SecretString::from("s3cret")).unwrap();

    let again = load_or_create(&db, &keys(1, None), START).await.unwrap();
    assert_eq!(again.versions().collect::<Vec<_>>(), [KeyVersion::FIRST]);
    assert_eq!(again.open(&contoso, "client_secret", &sealed).unwrap().expose_secret(), "s3cret");
}

async fn two_first_starts_at_once_agree_on_one_key(database: TestDatabase) {
    let db = opened(&database).await;
    let master = keys(1, None);
    let (one, other) = tokio::join!(load_or_create(&db, &master, START), load_or_create(&db, &master, START));
    let contoso = "contoso".parse().unwrap();
    let state = one.unwrap().client_state(KeyVersion::FIRST, &contoso, "users").unwrap();
    assert!(other.unwrap().verifies(&state, KeyVersion::FIRST, &contoso, "users"));
}

async fn a_changed_master_key_wraps_the_data_keys_again(database: TestDatabase) {
    let db = opened(&database).await;
    load_or_create(&db, &keys(1, None), START).await.unwrap();
    let before = db.read(all).await.unwrap();

    load_or_create(&db, &keys(2, Some(1)), START).await.unwrap();
    assert_ne!(db.read(all).await.unwrap(), before);
    load_or_create(&db, &keys(2, None), START).await.unwrap();
}

async fn a_wrong_master_key_is_refused(database: TestDatabase) {
    let db = opened(&database).await;
    load_or_create(&db, &keys(1, None), START).await.unwrap();
    let error = load_or_create(&db, &keys(2, None), START).await.unwrap_err();
    assert!(matches!(error, KeysError::Secrets(SecretsError::WrongMasterKey { .. })), "{error}");
}
