//! SQLite: a file in a temporary folder for each test.

use super::{Storage, TestDatabase};

/// An address in a fresh folder; the file itself appears when it is first opened.
pub fn fresh_database() -> TestDatabase {
    let folder = tempfile::Builder::new().prefix("rollcall-sqlite-").tempdir().expect("a temporary folder can be made");
    let url = format!("sqlite://{}", folder.path().join("rollcall.db").display());
    TestDatabase { url, _storage: Storage::Folder(folder) }
}
