//! How mail leaves.

use secrecy::SecretString;
use url::Url;

use super::address::is_loopback;
use super::reader::{Reader, Refused};

/// What the mail server's address may be.
const ACCEPTED: &str =
    "smtp://, smtps:// or smtp+starttls:// with a host, and a user name and password if it asks for them";

/// A mail server and the sender of what goes there.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// How the conversation is protected.
    pub security: SmtpSecurity,
    /// The server's name or address.
    pub host: String,
    /// Its port; without one in the address 25, 465 or 587, as the scheme has it.
    pub port: u16,
    /// User name and password, when the server asks for them.
    pub login: Option<(String, SecretString)>,
    /// The sender, `address` or `Name <address>`.
    pub from: String,
}

/// How a conversation with a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all.
    None,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS by STARTTLS, and no mail without it (RFC 3207).
    StartTls,
}

pub(super) fn read(reader: &mut Reader) -> Option<MailSettings> {
    let from = reader.read("mail_from", "a mail address, or a name and an address in angle brackets", |text| {
        let text = text.trim();
        let address = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text, |(_, inner)| inner);
        if is_mail_address(address) && !text.contains(char::is_control) {
            Ok(text.to_owned())
        } else {
            Err(Refused::Value)
        }
    });
    let server = reader.read("smtp_url", ACCEPTED, parse_server);
    if server.is_some() && !reader.is_given("mail_from") {
        reader.refuse("mail_from", "nothing, although smtp_url is given", "the sender's mail address");
    }
    let mail = MailSettings { from: from?, ..server? };
    if mail.security == SmtpSecurity::None && mail.login.is_some() && !is_local(&mail.host) {
        reader.warn("ROLLCALL_SMTP_URL sends a password without encryption: use smtps:// or smtp+starttls://");
    }
    Some(mail)
}

/// One at sign between two parts without space: the mail server knows better than any longer rule.
pub(super) fn is_mail_address(text: &str) -> bool {
    let outside = |character: char| character.is_whitespace() || character.is_control() || "<>,;".contains(character);
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(outside)
    })
}

fn parse_server(text: &str) -> Result<MailSettings, Refused> {
    let url = Url::parse(text.trim()).map_err(|error| Refused::found(format_args!("no address ({error})")))?;
    let (security, port) = match url.scheme() {
        "smtp" => (SmtpSecurity::None, 25),
        "smtps" => (SmtpSecurity::Tls, 465),
        "smtp+starttls" => (SmtpSecurity::StartTls, 587),
        other => return Err(Refused::found(format_args!("the scheme {other:?}"))),
    };
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Refused::found("an address without a host"))?.to_owned();
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Refused::found("an address with a path, query or fragment"));
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (name, Some(password)) if !name.is_empty() => Some((decoded(name)?, SecretString::from(decoded(password)?))),
        _ => return Err(Refused::found("a user name or a password without the other")),
    };
    Ok(MailSettings { security, host, port: url.port().unwrap_or(port), login, from: String::new() })
}

fn is_local(host: &str) -> bool {
    Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url))
}

/// Undoes the percent-encoding of a user name or password (RFC 3986 section 2.1).
fn decoded(text: &str) -> Result<String, Refused> {
    let malformed = || Refused::found("a user name or password that is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>().ok_or_else(malformed)?;
        let digits = std::str::from_utf8(digits).map_err(|_| malformed())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| malformed())?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}
