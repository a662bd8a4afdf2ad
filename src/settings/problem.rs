//! What is wrong with the settings, told so that it can be mended in one go.

use std::fmt;
use std::path::PathBuf;

use super::keys;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable of this name.
    Environment(String),
    /// A key of the settings file.
    File {
        /// The settings file.
        path: PathBuf,
        /// The key in it; empty for the file as a whole.
        key: String,
    },
    /// A file that holds nothing but the value.
    ValueFile {
        /// That file.
        path: PathBuf,
        /// Where its path came from.
        named_by: Box<Origin>,
    },
    /// Nothing was given.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::File { path, key } if key.is_empty() => write!(f, "{}", path.display()),
            Self::File { path, key } => write!(f, "{} key {key}", path.display()),
            Self::ValueFile { path, named_by } => write!(f, "file {} named by {named_by}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name in the file, such as `database_url`.
    pub key: String,
    /// Where the value came from.
    pub origin: Origin,
    /// What was found; of a secret never the value, only what is wrong with it.
    pub found: String,
    /// What is accepted.
    pub accepted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, origin, found, accepted } = self;
        match origin {
            Origin::Default => write!(f, "{key} (default, {} is not given)", keys::variable(key))?,
            given => write!(f, "{key} ({given})")?,
        }
        write!(f, ": found {found}; accepted: {accepted}")
    }
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// Never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for SettingsError {
    /// One problem in one line; several as a list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.problems.as_slice() {
            return write!(f, "a setting cannot be used: {problem}");
        }
        write!(f, "{} settings cannot be used:", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for SettingsError {}
