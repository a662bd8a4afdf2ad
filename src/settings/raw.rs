//! The settings as they were given: texts, each with where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::keys::{self, CONFIG_VARIABLE, Named, VARIABLE_PREFIX};
use super::problem::{Origin, Problem};

/// A given value.
#[derive(Debug)]
pub(super) struct RawValue {
    pub(super) text: SecretString,
    pub(super) origin: Origin,
}

/// All given values, the environment above the file.
#[derive(Debug, Default)]
pub(super) struct RawSettings {
    pub(super) values: BTreeMap<&'static str, RawValue>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

/// The values of one source, before they are laid over each other.
type Layer = Vec<(Named, SecretString, Origin)>;

impl RawSettings {
    /// Reads the file named by `config`, else by `ROLLCALL_CONFIG`, and lays the environment over it.
    pub(super) fn read(config: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Self {
        let mut raw = Self::default();
        let mut variables = Layer::new();
        let mut path = config.map(Path::to_path_buf);
        for (variable, value) in environment {
            if variable == CONFIG_VARIABLE {
                path = path.or_else(|| (!value.is_empty()).then(|| PathBuf::from(&value)));
            } else {
                raw.sort_variable(&mut variables, variable, value);
            }
        }
        if let Some(path) = path {
            let layer = raw.read_file(&path);
            raw.lay(layer);
        }
        raw.lay(variables);
        raw
    }

    fn sort_variable(&mut self, layer: &mut Layer, variable: String, value: String) {
        let Some(name) = variable.strip_prefix(VARIABLE_PREFIX) else { return };
        let known = (name == name.to_ascii_uppercase()).then(|| keys::find(&name.to_ascii_lowercase())).flatten();
        match known {
            Some(named) => layer.push((named, SecretString::from(value), Origin::Environment(variable))),
            None => {
                let nearest = keys::variable(keys::nearest(&name.to_ascii_lowercase()));
                self.warnings.push(format!("{variable} is no setting and is ignored; the nearest one is {nearest}"));
            }
        }
    }

    fn read_file(&mut self, path: &Path) -> Layer {
        let table = match read_table(path) {
            Ok(table) => table,
            Err(found) => {
                let origin = Origin::File { path: path.to_path_buf(), key: String::new() };
                let accepted = "a readable TOML file of settings, by --config or ROLLCALL_CONFIG".to_owned();
                self.problems.push(Problem { key: "config".to_owned(), origin, found, accepted });
                return Layer::new();
            }
        };
        table.into_iter().filter_map(|(key, value)| self.read_entry(path, key, &value)).collect()
    }

    fn read_entry(&mut self, path: &Path, key: String, value: &toml::Value) -> Option<(Named, SecretString, Origin)> {
        let origin = Origin::File { path: path.to_path_buf(), key: key.clone() };
        let Some(named) = keys::find(&key) else {
            let accepted = format!("a known key; the nearest one is {}", keys::nearest(&key));
            self.problems.push(Problem { key, origin, found: "an unknown key".to_owned(), accepted });
            return None;
        };
        let Some(text) = as_text(value) else {
            let found = format!("a value of type {}", value.type_str());
            let accepted = "a string, a whole number, true or false, or a list of these".to_owned();
            self.problems.push(Problem { key, origin, found, accepted });
            return None;
        };
        Some((named, SecretString::from(text), origin))
    }

    /// Lays one source over what is there; within it a setting may be given only once.
    fn lay(&mut self, layer: Layer) {
        let mut laid: BTreeMap<&'static str, RawValue> = BTreeMap::new();
        for (named, text, origin) in layer {
            let key = named.key();
            let Some(value) = self.resolve(named, text, origin) else { continue };
            if let Some(other) = laid.get(key.name) {
                let found = format!("a second value, the first from {}", other.origin);
                let accepted = "the value or a file that holds it, not both".to_owned();
                self.problems.push(Problem { key: key.name.to_owned(), origin: value.origin, found, accepted });
            } else {
                laid.insert(key.name, value);
            }
        }
        self.values.extend(laid);
    }

    /// The value itself; an empty one counts as not given, because that is how deployments leave a variable out.
    fn resolve(&mut self, named: Named, text: SecretString, origin: Origin) -> Option<RawValue> {
        let key = named.key();
        // Here an empty value means something: no second looks.
        let meaningful = key.name == "recheck_seconds" || !text.expose_secret().trim().is_empty();
        match named {
            _ if !meaningful => None,
            Named::Value(_) => Some(RawValue { text, origin }),
            Named::PathOf(_) => {
                let path = PathBuf::from(text.expose_secret());
                let read = read_value_file(&path);
                let origin = Origin::ValueFile { path, named_by: Box::new(origin) };
                match read {
                    Ok(text) => Some(RawValue { text, origin }),
                    Err(found) => {
                        let accepted = "a readable file that holds the value and nothing else".to_owned();
                        self.problems.push(Problem { key: key.name.to_owned(), origin, found, accepted });
                        None
                    }
                }
            }
        }
    }
}

fn read_table(path: &Path) -> Result<toml::Table, String> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| format!("a file that cannot be read ({error})"))?;
    // The parser's own report quotes the line, which may hold a secret: only where and what is passed on.
    text.parse::<toml::Table>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        format!("no valid TOML in line {line}")
    })
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| if item.is_array() { None } else { as_text(item) }).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// Editors and secret stores end a file with a newline, which is no part of the secret.
fn read_value_file(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| format!("a file that cannot be read ({error})"))?;
    let value = text.trim_end_matches(['\r', '\n']);
    if value.trim().is_empty() { Err("an empty file".to_owned()) } else { Ok(SecretString::from(value)) }
}
