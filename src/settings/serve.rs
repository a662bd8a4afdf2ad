//! What `serve` needs beyond what every command needs.

use std::path::Path;

use super::problem::{Origin, Problem, SettingsError};
use super::raw::RawSettings;
use super::{BaseUrl, Settings, config_or_default, process_environment};
use crate::secrets::MasterKeys;

/// What is missing when `serve` is not told its public address.
const PUBLIC_URL_ACCEPTED: &str = "the https address under which Graph reaches the public listener";

/// What is missing when `serve` has no master key.
const MASTER_KEY_ACCEPTED: &str = "32 bytes in base64, as `openssl rand -base64 32` prints them";

/// Settings under which `serve` can start.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// All settings.
    pub settings: Settings,
    /// Where Graph reaches the public listener.
    pub public_url: BaseUrl,
    /// The master key, and the one before it while it is being changed.
    pub master_keys: MasterKeys,
}

impl ServeSettings {
    /// Like [`Settings::load`], and what `serve` requires is reported along with everything else.
    ///
    /// # Errors
    /// Everything that is wrong or missing, at once.
    pub fn load(
        config: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let raw = RawSettings::read(config, environment);
        let (settings, mut problems) = Settings::check(raw);
        for absent in missing(&settings) {
            // What was given and refused is reported already; it is not missing as well.
            if problems.iter().all(|known| known.key != absent.key) {
                problems.push(absent);
            }
        }
        if problems.is_empty() { settings.for_serve() } else { Err(SettingsError { problems }) }
    }

    /// Like [`Settings::from_process`], and what `serve` requires is reported along with everything else.
    ///
    /// # Errors
    /// Everything that is wrong or missing, at once.
    pub fn from_process(config: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = process_environment();
        Self::load(config_or_default(config, &environment), environment.into_iter())
    }
}

impl Settings {
    /// These settings for `serve`, which requires a public address and a master key.
    ///
    /// # Errors
    /// Both, when both are missing.
    pub fn for_serve(self) -> Result<ServeSettings, SettingsError> {
        let problems = missing(&self);
        match (self.public_url.clone(), self.master_key.clone()) {
            (Some(public_url), Some(current)) => {
                let master_keys = MasterKeys { current, previous: self.master_key_previous.clone() };
                Ok(ServeSettings { settings: self, public_url, master_keys })
            }
            _ => Err(SettingsError { problems }),
        }
    }
}

fn missing(settings: &Settings) -> Vec<Problem> {
    let required: [(&str, bool, &str); 2] = [
        ("public_url", settings.public_url.is_some(), PUBLIC_URL_ACCEPTED),
        ("master_key", settings.master_key.is_some(), MASTER_KEY_ACCEPTED),
    ];
    let absent = required.into_iter().filter(|(_, given, _)| !given);
    let problem = |(key, _, accepted): (&str, bool, &str)| Problem {
        key: key.to_owned(),
        origin: Origin::Default,
        found: "nothing, although serve requires it".to_owned(),
        accepted: accepted.to_owned(),
    };
    absent.map(problem).collect()
}
