//! From a given text to a checked value, collecting what is wrong on the way.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::address::{BaseUrl, PlainHttp};
use super::keys::KEYS;
use super::problem::{Origin, Problem};
use super::raw::RawSettings;

/// A longer value is cut when it is shown: a message stays readable.
const FOUND_CHARACTERS_MAX: usize = 80;

/// Why a value is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// The value as it stands; shown unless it is a secret.
    Value,
    /// What was found, in words that repeat nothing secret.
    Found(String),
}

impl Refused {
    pub(super) fn found(what: impl Display) -> Self {
        Self::Found(what.to_string())
    }
}

/// Hands out checked values and remembers every problem.
#[derive(Debug)]
pub(super) struct Reader {
    raw: RawSettings,
}

impl Reader {
    pub(super) fn new(raw: RawSettings) -> Self {
        Self { raw }
    }

    /// The checked value; `None` when nothing was given or when what was given is refused.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        check: impl FnOnce(&str) -> Result<T, Refused>,
    ) -> Option<T> {
        debug_assert!(KEYS.iter().any(|known| known.name == key), "{key} is missing from the list of settings");
        let text = self.raw.values.get(key)?.text.clone();
        match check(text.expose_secret()) {
            Ok(value) => Some(value),
            Err(refused) => {
                let found = found(key, text.expose_secret(), refused);
                self.refuse(key, found, accepted);
                None
            }
        }
    }

    /// Reports a setting, given or not.
    pub(super) fn refuse(&mut self, key: &'static str, found: impl Display, accepted: &str) {
        let origin = self.raw.values.get(key).map_or(Origin::Default, |value| value.origin.clone());
        let (found, accepted) = (found.to_string(), accepted.to_owned());
        self.raw.problems.push(Problem { key: key.to_owned(), origin, found, accepted });
    }

    /// Remembers what does not stop the start but is worth a line in the log.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.raw.warnings.push(warning.into());
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.raw.values.contains_key(key)
    }

    /// What was wrong and what is worth a warning.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<String>) {
        (self.raw.problems, self.raw.warnings)
    }

    /// A text as it is given, without space around it.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.read(key, "text", |text| Ok(text.trim().to_owned()))
    }

    /// A secret as it is given.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<SecretString> {
        self.read(key, "text", |text| Ok(SecretString::from(text)))
    }

    /// A whole number of `unit` between two bounds, both included.
    pub(super) fn number(&mut self, key: &'static str, unit: &str, min: u64, max: u64) -> Option<u64> {
        let accepted = format!("a whole number of {unit} from {min} to {max}");
        self.read(key, &accepted, |text| match text.trim().parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(Refused::Value),
        })
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |text| text.trim().parse().map_err(|_| Refused::Value))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        self.read(key, &names.join(", "), |text| {
            let found = words.iter().find(|(name, _)| *name == text.trim());
            found.map(|(_, value)| *value).ok_or(Refused::Value)
        })
    }

    /// An https address, or an http one of this machine.
    pub(super) fn base_url(&mut self, key: &'static str) -> Option<BaseUrl> {
        let accepted = "an https address without query and fragment, or an http one of this machine";
        self.read(key, accepted, |text| BaseUrl::checked(text, PlainHttp::Loopback))
    }

    /// The path of a file that is there and holds every one of `marks`.
    pub(super) fn file(&mut self, key: &'static str, accepted: &str, marks: &[&str]) -> Option<PathBuf> {
        self.read(key, accepted, |text| {
            let content = std::fs::read_to_string(text).map(zeroize::Zeroizing::new);
            let content =
                content.map_err(|error| Refused::found(format_args!("{text:?}, which cannot be read ({error})")))?;
            match marks.iter().find(|mark| !content.contains(**mark)) {
                Some(mark) => Err(Refused::found(format_args!("{text:?}, a file without {mark:?}"))),
                None => Ok(PathBuf::from(text)),
            }
        })
    }

    /// Rising seconds, separated by commas; an empty text is an empty list.
    pub(super) fn rising_seconds(&mut self, key: &'static str, count_max: usize, max: u64) -> Option<Vec<Duration>> {
        let accepted = format!(
            "up to {count_max} rising whole numbers of seconds from 1 to {max}, separated by commas, or nothing"
        );
        self.read(key, &accepted, |text| {
            if text.trim().is_empty() {
                return Ok(Vec::new());
            }
            let seconds: Result<Vec<u64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
            let seconds = seconds.map_err(|_| Refused::Value)?;
            let fits = seconds.len() <= count_max
                && seconds.iter().all(|second| (1..=max).contains(second))
                && seconds.is_sorted_by(|earlier, later| earlier < later);
            if fits { Ok(seconds.into_iter().map(Duration::from_secs).collect()) } else { Err(Refused::Value) }
        })
    }
}

fn found(key: &str, text: &str, refused: Refused) -> String {
    let secret = KEYS.iter().any(|known| known.name == key && known.secret);
    match refused {
        Refused::Found(found) => found,
        Refused::Value if secret => "a value that is not shown".to_owned(),
        Refused::Value if text.chars().count() > FOUND_CHARACTERS_MAX => {
            format!("{:?} and more", text.chars().take(FOUND_CHARACTERS_MAX).collect::<String>())
        }
        Refused::Value => format!("{text:?}"),
    }
}
