//! The folder the demonstration keeps its state in.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::cli::CommandError;

/// The name of the file with the master key.
const MASTER_KEY_FILE: &str = "master-key";

/// The name of the database.
const DATABASE_FILE: &str = "rollcall.db";

/// Bytes of a master key.
const MASTER_KEY_BYTES: usize = 32;

/// A folder with a master key of its own.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    // Held for its `Drop`, which removes the folder.
    _temporary: Option<TempDir>,
}

impl DataFolder {
    /// Uses the folder, which is made when it is missing, or a temporary one; makes a master key when there is none.
    pub fn open(folder: Option<&Path>) -> Result<Self, CommandError> {
        let data = match folder {
            Some(path) => {
                fs::create_dir_all(path).map_err(|cause| unusable(path, cause))?;
                let path = path.canonicalize().map_err(|cause| unusable(path, cause))?;
                Self { path, _temporary: None }
            }
            None => {
                let temporary = TempDir::with_prefix("rollcall-demo-");
                let temporary = temporary.map_err(|cause| unusable(&std::env::temp_dir(), cause))?;
                Self { path: temporary.path().to_owned(), _temporary: Some(temporary) }
            }
        };
        let key = data.master_key_file();
        data.make_master_key().map_err(|cause| unusable(&key, cause))?;
        Ok(data)
    }

    /// Where the master key lies.
    pub fn master_key_file(&self) -> PathBuf {
        self.path.join(MASTER_KEY_FILE)
    }

    /// The address of the database.
    pub fn database_url(&self) -> String {
        format!("sqlite://{}", self.path.join(DATABASE_FILE).display())
    }

    /// A number that is always the same for this folder, so that its simulated tenant has the same ids at every start.
    pub fn seed(&self) -> Result<u64, CommandError> {
        let path = self.master_key_file();
        let key = fs::read(&path).map_err(|cause| unusable(&path, cause))?;
        let digest = Sha256::digest(&key);
        let (first, _) = digest.split_at(size_of::<u64>());
        Ok(first.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }

    fn make_master_key(&self) -> io::Result<()> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.master_key_file());
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            opened => opened?,
        };
        let key: [u8; MASTER_KEY_BYTES] = rand::random();
        writeln!(file, "{}", STANDARD.encode(key))?;
        file.sync_all()
    }
}

fn unusable(path: &Path, cause: io::Error) -> CommandError {
    CommandError::File { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_master_key_and_a_temporary_one_is_removed() {
        let parent = TempDir::new().unwrap();
        let folder = parent.path().join("demo");
        let first = DataFolder::open(Some(&folder)).unwrap();
        let key = fs::read_to_string(first.master_key_file()).unwrap();
        let second = DataFolder::open(Some(&folder)).unwrap();
        assert_eq!(fs::read_to_string(second.master_key_file()).unwrap(), key);
        assert_eq!(first.seed().unwrap(), second.seed().unwrap());
        let temporary = DataFolder::open(None).unwrap();
        assert_ne!(temporary.seed().unwrap(), first.seed().unwrap());
        let path = temporary.path.clone();
        assert!(path.is_dir());
        drop(temporary);
        assert!(!path.exists());
    }
}
