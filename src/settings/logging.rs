//! What is logged, and how it is written.

use tracing_subscriber::EnvFilter;
use url::Url;

use super::reader::{Reader, Refused};

/// What is logged, and how it is written.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Levels by module, checked: `info`, or `info,rollcall::sync=debug`.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// Text on a terminal, else JSON.
    Auto,
}

pub(super) fn read(reader: &mut Reader) -> LogSettings {
    let accepted = "off, error, warn, info, debug or trace, and module=level separated by commas";
    let filter = reader.read("log", accepted, |text| {
        let text = text.trim();
        // A lone word that is no level would silently mean a module of that name.
        let levels = text.split(',').map(str::trim).all(|part| part.contains(['=', '[']) || is_level(part));
        if levels && EnvFilter::try_new(text).is_ok() { Ok(text.to_owned()) } else { Err(Refused::Value) }
    });
    let words = [("text", LogFormat::Text), ("json", LogFormat::Json), ("auto", LogFormat::Auto)];
    let format = reader.word("log_format", &words);
    LogSettings {
        filter: filter.unwrap_or_else(|| LogSettings::default().filter),
        format: format.unwrap_or(LogFormat::Auto),
    }
}

fn is_level(word: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| word.eq_ignore_ascii_case(level))
}

pub(super) fn read_otlp_endpoint(reader: &mut Reader) -> Option<Url> {
    if reader.is_given("otlp_endpoint") {
        reader.warn("ROLLCALL_OTLP_ENDPOINT is given, but this build sends no traces");
    }
    reader.read("otlp_endpoint", "an http or https address without user name and password", |text| {
        let url = Url::parse(text.trim()).map_err(|error| Refused::found(format_args!("no address ({error})")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::found("an address with a user name or password in it"));
        }
        if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(Refused::Value) }
    })
}
