//! Which database, read from its address.

use std::path::PathBuf;

use secrecy::SecretString;

use super::reader::{Reader, Refused};

/// Whether this build speaks TLS to PostgreSQL.
const BUILT_WITH_TLS: bool = cfg!(feature = "postgres-tls");

/// What the address may be.
const ACCEPTED: &str = "sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// What to do about an `sslmode` this build cannot serve.
const ACCEPTED_WITHOUT_TLS: &str = "sslmode disable, allow or prefer: this build has no TLS to PostgreSQL; \
     for require, verify-ca or verify-full build with `--features postgres-tls`";

/// Where Rollcall keeps its state.
#[derive(Clone, Debug)]
pub enum DatabaseSettings {
    /// One process, one machine.
    Sqlite {
        /// The file, relative to the working directory unless it begins with a slash.
        path: PathBuf,
    },
    /// Any number of processes.
    Postgresql {
        /// The whole address as given: it can hold a password.
        url: SecretString,
        /// How far the address insists on TLS.
        sslmode: SslMode,
    },
}

impl DatabaseSettings {
    /// What a start says about the database, without anything secret.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgresql { .. } => "postgresql",
        }
    }
}

/// PostgreSQL's `sslmode`, laxest first (PostgreSQL manual, section 32.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only if the server insists.
    Allow,
    /// TLS if the server offers it.
    Prefer,
    /// TLS without looking at the certificate.
    Require,
    /// The certificate comes from a known authority.
    VerifyCa,
    /// And it names the host.
    VerifyFull,
}

impl SslMode {
    /// Whether a connection without TLS must not come about.
    pub fn needs_tls(self) -> bool {
        self >= Self::Require
    }

    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

pub(super) fn read(reader: &mut Reader) -> DatabaseSettings {
    let given = reader.read("database_url", ACCEPTED, |text| parse(text.trim()));
    let database = given.unwrap_or_else(|| DatabaseSettings::Sqlite { path: PathBuf::from("rollcall.db") });
    if let DatabaseSettings::Postgresql { sslmode, .. } = &database
        && let Some(found) = refused_without_tls(*sslmode, BUILT_WITH_TLS)
    {
        reader.refuse("database_url", found, ACCEPTED_WITHOUT_TLS);
    }
    database
}

pub(super) fn refused_without_tls(sslmode: SslMode, built_with_tls: bool) -> Option<&'static str> {
    (sslmode.needs_tls() && !built_with_tls).then_some("an sslmode that needs TLS")
}

fn parse(text: &str) -> Result<DatabaseSettings, Refused> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Refused::found("an address without a scheme"));
    };
    match scheme {
        "sqlite" => parse_sqlite(rest),
        "postgres" => Ok(DatabaseSettings::Postgresql { sslmode: parse_sslmode(rest)?, url: SecretString::from(text) }),
        other if other.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) => {
            Err(Refused::found(format_args!("the scheme {other:?}")))
        }
        _ => Err(Refused::found("an address without a scheme")),
    }
}

fn parse_sqlite(path: &str) -> Result<DatabaseSettings, Refused> {
    if path.is_empty() {
        return Err(Refused::found("an address without a path"));
    }
    if path.contains(['?', '#']) {
        return Err(Refused::found("a path with a query or fragment"));
    }
    // Every pooled connection would get an empty database of its own.
    if path.contains(":memory:") {
        return Err(Refused::found("a database in memory, which does not outlive a connection"));
    }
    Ok(DatabaseSettings::Sqlite { path: PathBuf::from(path) })
}

/// libpq takes the last `sslmode`, and reads `ssl=true` as `sslmode=require`; without either it prefers TLS.
fn parse_sslmode(rest: &str) -> Result<SslMode, Refused> {
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut sslmode = SslMode::Prefer;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "ssl" if value == "true" => sslmode = SslMode::Require,
            "sslmode" => {
                let unknown = || {
                    Refused::found("an sslmode other than disable, allow, prefer, require, verify-ca and verify-full")
                };
                sslmode = SslMode::parse(&value).ok_or_else(unknown)?;
            }
            _ => {}
        }
    }
    Ok(sslmode)
}
