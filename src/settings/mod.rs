//! Settings: what an operator gave, checked once and complete before any work starts.
//!
//! A setting comes from the environment (`ROLLCALL_X`), else from the file (`x = …`), else from its default; a secret
//! also from a file of its own (`ROLLCALL_X_FILE`, `x_file = …`). An empty value counts as not given, except for
//! `recheck_seconds`. Everything wrong is reported at once. No other module reads the environment.

mod address;
mod cloud;
mod database;
mod keys;
mod logging;
mod mail;
mod problem;
mod raw;
mod reader;
mod serve;
mod single_sign_on;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use address::BaseUrl;
pub use cloud::{ClientCredential, ClientSettings, Cloud, CloudSettings};
pub use database::{DatabaseSettings, SslMode};
pub use logging::{LogFormat, LogSettings};
pub use mail::{MailSettings, SmtpSecurity};
pub use problem::{Origin, Problem, SettingsError};
pub use serve::ServeSettings;
pub use single_sign_on::OidcSettings;

use crate::secrets::MasterKey;
use address::PlainHttp;
use raw::RawSettings;
use reader::{Reader, Refused};

/// The settings file looked for in the working directory when none is named.
pub const CONFIG_FILE: &str = "rollcall.toml";

/// Where commands over the admin API look for it unless told.
pub const ADMIN_URL_DEFAULT: &str = "http://127.0.0.1:8081";

/// A shorter bootstrap token could be guessed.
pub const ADMIN_TOKEN_CHARACTERS_MIN: usize = 32;

/// A day: the nightly reconcile finds the rest anyway.
pub const DELTA_POLL_SECONDS_MAX: u64 = 86_400;

/// Graph takes 41,760 minutes, 696 hours, counted from its own clock; an hour less leaves room for the way there
/// (Graph: subscription resource, maximum length by resource type).
pub const SUBSCRIPTION_LIFETIME_HOURS_MAX: u64 = 695;

/// Second looks beyond these find what delta found already.
pub const RECHECK_COUNT_MAX: usize = 4;

/// A day: a later second look would come after the nightly reconcile.
pub const RECHECK_SECONDS_MAX: u64 = 86_400;

/// Everything that can be set, checked; printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where state is kept.
    pub database: DatabaseSettings,
    /// Where Graph reaches the public listener; required by `serve`.
    pub public_url: Option<BaseUrl>,
    /// Where the public listener listens.
    pub public_listen: SocketAddr,
    /// Where the admin listener listens.
    pub admin_listen: SocketAddr,
    /// Wraps the data keys; required by `serve`.
    pub master_key: Option<MasterKey>,
    /// The master key before the present one, while it is being changed.
    pub master_key_previous: Option<MasterKey>,
    /// A bootstrap admin bearer token.
    pub admin_token: Option<SecretString>,
    /// Which Microsoft cloud.
    pub cloud: CloudSettings,
    /// The service's own app registration.
    pub client: Option<ClientSettings>,
    /// The longest time until delta finds a change that nothing announced.
    pub delta_poll: Duration,
    /// The lifetime asked for a subscription.
    pub subscription_lifetime: Duration,
    /// Second looks, counted from the last notification of an object, rising.
    pub recheck: Vec<Duration>,
    /// Single sign-on for the console.
    pub oidc: Option<OidcSettings>,
    /// A PEM file of extra authorities for every outgoing TLS connection.
    pub ca_file: Option<PathBuf>,
    /// Whether targets may live on private and loopback addresses.
    pub allow_private_targets: bool,
    /// How mail leaves; `None` sends none.
    pub mail: Option<MailSettings>,
    /// What is logged.
    pub log: LogSettings,
    /// Where traces go.
    pub otlp_endpoint: Option<Url>,
    /// The admin API as it is reached from outside: for commands, and for the console behind a proxy.
    pub admin_url: Option<BaseUrl>,
    /// The token commands over the admin API send.
    pub token: Option<SecretString>,
    /// What does not stop the start but belongs in the log, such as `ROLLCALL_` variables nobody knows.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the settings from a file, named by `config` or by `ROLLCALL_CONFIG`, and from the given environment.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        config: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let (settings, problems) = Self::check(RawSettings::read(config, environment));
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError { problems }) }
    }

    /// Reads the settings of this process; without a named file from `rollcall.toml` in the working directory, if any.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_process(config: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = process_environment();
        Self::load(config_or_default(config, &environment), environment.into_iter())
    }

    /// The checked settings, with defaults in the place of what is wrong, and the problems.
    fn check(raw: RawSettings) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(raw);
        let (public_listen, admin_listen) = read_listeners(&mut reader);
        let mut settings = Self {
            database: database::read(&mut reader),
            public_url: reader.base_url("public_url"),
            public_listen,
            admin_listen,
            master_key: read_master_key(&mut reader, "master_key"),
            master_key_previous: read_master_key(&mut reader, "master_key_previous"),
            admin_token: read_admin_token(&mut reader),
            cloud: cloud::read(&mut reader),
            client: cloud::read_client(&mut reader),
            delta_poll: read_delta_poll(&mut reader),
            subscription_lifetime: read_subscription_lifetime(&mut reader),
            recheck: read_recheck(&mut reader),
            oidc: single_sign_on::read(&mut reader),
            ca_file: reader.file("ca_file", "a readable PEM file of certificates", &["-----BEGIN CERTIFICATE-----"]),
            allow_private_targets: reader.truth("allow_private_targets").unwrap_or(false),
            mail: mail::read(&mut reader),
            log: logging::read(&mut reader),
            otlp_endpoint: logging::read_otlp_endpoint(&mut reader),
            admin_url: reader.read("admin_url", "an http or https address without query and fragment", |text| {
                BaseUrl::checked(text, PlainHttp::Anywhere)
            }),
            token: reader.secret("token"),
            warnings: Vec::new(),
        };
        let (problems, warnings) = reader.finish();
        settings.warnings = warnings;
        (settings, problems)
    }

    /// Where commands reach the admin API.
    pub fn admin_url_for_commands(&self) -> &str {
        self.admin_url.as_ref().map_or(ADMIN_URL_DEFAULT, BaseUrl::as_str)
    }
}

/// Values that are not UTF-8 are taken with a replacement character, which the check of the setting then refuses.
fn process_environment() -> Vec<(String, String)> {
    let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        name.into_string().ok().map(|name| (name, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(readable).collect()
}

fn config_or_default<'a>(config: Option<&'a Path>, environment: &[(String, String)]) -> Option<&'a Path> {
    let named = environment.iter().any(|(name, value)| name == keys::CONFIG_VARIABLE && !value.is_empty());
    let default = || (!named).then_some(Path::new(CONFIG_FILE)).filter(|path| path.is_file());
    config.or_else(default)
}

fn read_listeners(reader: &mut Reader) -> (SocketAddr, SocketAddr) {
    let accepted = "an address and a port, such as 0.0.0.0:8080";
    let mut listener = |key, default: (Ipv4Addr, u16)| {
        let given = reader.read(key, accepted, |text| text.trim().parse().map_err(|_| Refused::Value));
        given.unwrap_or_else(|| SocketAddr::from(default))
    };
    let public = listener("public_listen", (Ipv4Addr::UNSPECIFIED, 8080));
    let admin = listener("admin_listen", (Ipv4Addr::LOCALHOST, 8081));
    if address::collide(public, admin) {
        let key = if reader.is_given("admin_listen") { "admin_listen" } else { "public_listen" };
        reader.refuse(key, format_args!("port {} for both listeners", admin.port()), "two different ports");
    }
    (public, admin)
}

fn read_master_key(reader: &mut Reader, key: &'static str) -> Option<MasterKey> {
    reader.read(key, "32 bytes in base64, as `openssl rand -base64 32` prints them", |text| {
        MasterKey::from_base64(text).map_err(Refused::found)
    })
}

fn read_admin_token(reader: &mut Reader) -> Option<SecretString> {
    let accepted = format!("at least {ADMIN_TOKEN_CHARACTERS_MIN} printable ASCII characters without spaces");
    reader.read("admin_token", &accepted, |text| {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refused::found("a value with other characters"));
        }
        match text.len() {
            ADMIN_TOKEN_CHARACTERS_MIN.. => Ok(SecretString::from(text)),
            length => Err(Refused::found(format_args!("a value of {length} characters"))),
        }
    })
}

fn read_delta_poll(reader: &mut Reader) -> Duration {
    Duration::from_secs(reader.number("delta_poll_seconds", "seconds", 1, DELTA_POLL_SECONDS_MAX).unwrap_or(300))
}

fn read_subscription_lifetime(reader: &mut Reader) -> Duration {
    let hours = reader.number("subscription_lifetime_hours", "hours", 1, SUBSCRIPTION_LIFETIME_HOURS_MAX);
    Duration::from_secs(hours.unwrap_or(168) * 3600)
}

fn read_recheck(reader: &mut Reader) -> Vec<Duration> {
    let given = reader.rising_seconds("recheck_seconds", RECHECK_COUNT_MAX, RECHECK_SECONDS_MAX);
    given.unwrap_or_else(|| vec![Duration::from_secs(60), Duration::from_secs(300)])
}
