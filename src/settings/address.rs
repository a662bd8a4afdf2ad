//! Web addresses that others are reached under.

use std::fmt;
use std::net::SocketAddr;

use url::{Host, Url};

use super::reader::Refused;

/// A web address others are appended to: no query, no fragment, no user name, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
}

/// Where plain http is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainHttp {
    /// Only to this machine: what is sent holds secrets.
    Loopback,
    /// Everywhere: the operator's own network decides.
    Anywhere,
}

impl BaseUrl {
    /// Reads an https address, or an http one of this machine.
    ///
    /// # Errors
    /// What was found instead, in words that repeat no secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::checked(text, PlainHttp::Loopback).map_err(|refused| match refused {
            Refused::Value => format!("{text:?}"),
            Refused::Found(found) => found,
        })
    }

    pub(super) fn checked(text: &str, plain: PlainHttp) -> Result<Self, Refused> {
        let url = Url::parse(text.trim()).map_err(|error| Refused::found(format_args!("no address ({error})")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::found("an address with a user name or password in it"));
        }
        let encrypted = url.scheme() == "https";
        if !encrypted && (url.scheme() != "http" || (plain == PlainHttp::Loopback && !is_loopback(&url))) {
            return Err(Refused::Value);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Refused::found("an address with a query or fragment"));
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), url })
    }

    /// The address without a slash at the end, ready for a path that begins with one.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// This address with `path`, which begins with a slash, appended.
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The address as the `url` crate holds it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it leads to this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Loopback addresses and the names reserved for them (RFC 6761 section 6.3).
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether two listeners would stand in each other's way; port 0 asks the system for a free one.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_port = one.port() == other.port() && one.port() != 0;
    same_port && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
