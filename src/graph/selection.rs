//! Which properties to ask for, and queries spelled so that every server reads them alike.

use std::collections::BTreeSet;

/// Without these an account cannot be decided on: who it is, whether the object is whole, whether it may sign in.
const ALWAYS: [&str; 3] = ["id", "userPrincipalName", "accountEnabled"];

/// The relation that is expanded instead of selected.
const MANAGER: &str = "manager";

/// The user properties a fetch asks for. Graph leaves everything else out, so an absent property is not a cleared one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    properties: BTreeSet<String>,
    managers: bool,
}

impl Selection {
    /// Selects `properties` by Graph's names, and the manager's id if `managers`. Always adds `id`,
    /// `userPrincipalName` and `accountEnabled`; `manager` among the properties asks for managers.
    pub fn new<P: Into<String>>(properties: impl IntoIterator<Item = P>, managers: bool) -> Self {
        let mut properties: BTreeSet<String> = properties.into_iter().map(Into::into).collect();
        let managers = properties.remove(MANAGER) || managers;
        properties.extend(ALWAYS.map(str::to_owned));
        Self { properties, managers }
    }

    /// Whether managers are asked for.
    pub fn managers(&self) -> bool {
        self.managers
    }

    /// The value of `$select`.
    pub(super) fn select(&self) -> String {
        self.properties.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// The value of `$select` in a delta query, where a relation is selected like a property and a property left out
    /// is not tracked. Graph: delta-query-overview.
    pub(super) fn select_for_delta(&self) -> String {
        let manager = if self.managers { ",manager" } else { "" };
        self.select() + manager
    }

    /// `$expand` when managers are asked for. `$select` inside needs `$levels`. Graph: user-list-manager.
    pub(super) fn expand(&self) -> Option<&'static str> {
        self.managers.then_some("manager($levels=1;$select=id)")
    }
}

/// A path below `/v1.0` with its query, usable both as an address and inside a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) path: String,
    pub(super) query: String,
}

impl Address {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: String::new() }
    }

    /// Adds a query option.
    pub(super) fn with(mut self, option: &str, value: &str) -> Self {
        let separator = if self.query.is_empty() { "" } else { "&" };
        self.query = format!("{}{separator}{option}={}", self.query, encoded(value));
        self
    }

    /// The form used inside a batch: relative to the version.
    pub(super) fn relative(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// Percent-encodes everything but unreserved characters and the comma; a space is `%20`, which means the same inside
/// and outside a batch, while `+` does not.
fn encoded(value: &str) -> String {
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    form.replace('+', "%20").replace("%2C", ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_always_holds_what_a_decision_needs() {
        let selection = Selection::new(["department", "manager"], false);
        assert_eq!(selection.select(), "accountEnabled,department,id,userPrincipalName");
        assert!(selection.managers());
        assert!(selection.select_for_delta().ends_with(",manager"));
    }

    #[test]
    fn query_values_are_encoded() {
        let address = Address::new("/users").with("$filter", "id in ('a+b')").with("$select", "id,extension_1&x");
        assert_eq!(address.relative(), "/users?$filter=id%20in%20%28%27a%2Bb%27%29&$select=id,extension_1%26x");
    }
}
