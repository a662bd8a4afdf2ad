//! Graph's resume tokens: opaque, kept as given, and never followed anywhere but to Graph.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::errors::GraphError;

/// Delta links carry their state inside and reach a few kilobytes; anything far longer is not a link.
const LINK_LENGTH_MAX: usize = 32 * 1024;

macro_rules! link {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The link as Graph gave it, to be stored.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// For a link read back from where it was stored; it is checked again before it is followed.
        impl From<String> for $name {
            fn from(link: String) -> Self {
                Self(link)
            }
        }

        impl fmt::Debug for $name {
            /// Leaves the link out: it is long and says nothing.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

link!(
    /// Where the next page of a walk is (`@odata.nextLink`).
    NextLink
);
link!(
    /// Where the next round of delta begins (`@odata.deltaLink`). Directory links live seven days.
    DeltaLink
);

/// The address behind a link; refused unless it is on the configured Graph, because the token goes with it.
pub(super) fn address(link: &str, graph: &Url) -> Result<Url, GraphError> {
    if link.len() > LINK_LENGTH_MAX {
        return Err(GraphError::Protocol("a link is longer than 32 KiB"));
    }
    let url = Url::parse(link).map_err(|_| GraphError::Protocol("a link is not an address"))?;
    if url.origin() != graph.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(GraphError::Protocol("a link leads away from Graph"));
    }
    Ok(url)
}

/// Checks the next link of a page that was reached by `followed`.
pub(super) fn next(link: String, followed: Option<&str>, graph: &Url) -> Result<NextLink, GraphError> {
    address(&link, graph)?;
    if followed == Some(link.as_str()) {
        return Err(GraphError::Protocol("a page's next link leads to the same page"));
    }
    Ok(NextLink(link))
}

/// Checks a delta link.
pub(super) fn delta(link: String, graph: &Url) -> Result<DeltaLink, GraphError> {
    address(&link, graph)?;
    Ok(DeltaLink(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_must_stay_on_graph() {
        let graph = Url::parse("https://graph.microsoft.com").unwrap();
        assert!(address("https://graph.microsoft.com/v1.0/users?$skiptoken=x", &graph).is_ok());
        assert!(address("https://GRAPH.microsoft.com:443/v1.0/users", &graph).is_ok());
        for bad in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "https://evil@graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "/v1.0/users",
            "",
        ] {
            assert!(matches!(address(bad, &graph), Err(GraphError::Protocol(_))), "{bad}");
        }
    }

    #[test]
    fn a_link_is_never_printed() {
        let link = NextLink::from("https://graph.microsoft.com/v1.0/users?$skiptoken=x".to_owned());
        assert_eq!(format!("{link:?}"), "NextLink(51 bytes)");
    }
}
