//! Every setting there is, by the name it has in the file.

/// What the names of settings begin with in the environment.
pub(super) const VARIABLE_PREFIX: &str = "ROLLCALL_";

/// What a secret's name ends with when a file holds its value.
const FILE_SUFFIX: &str = "_file";

/// The variable that names the settings file; it cannot stand in that file.
pub(super) const CONFIG_VARIABLE: &str = "ROLLCALL_CONFIG";

/// A setting's name and how its value is treated.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// Whether the value is kept out of every message, and may come from a file of its own.
    pub(super) secret: bool,
}

const fn open(name: &'static str) -> Key {
    Key { name, secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, secret: true }
}

/// All settings; the two addresses count as secrets because they can hold a password.
pub(super) const KEYS: &[Key] = &[
    secret("database_url"),
    open("public_url"),
    open("public_listen"),
    open("admin_listen"),
    secret("master_key"),
    secret("master_key_previous"),
    secret("admin_token"),
    open("cloud"),
    open("graph_url"),
    open("login_url"),
    open("client_id"),
    secret("client_secret"),
    open("client_certificate_file"),
    open("federated_token_file"),
    open("delta_poll_seconds"),
    open("subscription_lifetime_hours"),
    open("recheck_seconds"),
    open("oidc_issuer"),
    open("oidc_client_id"),
    secret("oidc_client_secret"),
    open("oidc_role_claim"),
    open("oidc_admins"),
    open("ca_file"),
    open("allow_private_targets"),
    secret("smtp_url"),
    open("mail_from"),
    open("log"),
    open("log_format"),
    open("otlp_endpoint"),
    open("admin_url"),
    secret("token"),
];

/// How a name is understood.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    /// The value itself.
    Value(&'static Key),
    /// The path of a file that holds the value.
    PathOf(&'static Key),
}

impl Named {
    /// The setting meant.
    pub(super) fn key(self) -> &'static Key {
        match self {
            Self::Value(key) | Self::PathOf(key) => key,
        }
    }
}

/// The setting a name of the file means; `None` when there is none of that name.
pub(super) fn find(name: &str) -> Option<Named> {
    let exact = |name: &str| KEYS.iter().find(|key| key.name == name);
    exact(name).map(Named::Value).or_else(|| {
        let key = exact(name.strip_suffix(FILE_SUFFIX)?)?;
        key.secret.then_some(Named::PathOf(key))
    })
}

/// The environment variable of a name of the file.
pub(super) fn variable(name: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", name.to_ascii_uppercase())
}

/// The known name most likely meant: one that begins alike, else the one that takes the fewest edits to reach.
pub(super) fn nearest(name: &str) -> &'static str {
    let distance = |key: &&Key| {
        let begins_alike = key.name.starts_with(name) || name.starts_with(key.name);
        (!begins_alike, edits_between(name, key.name))
    };
    KEYS.iter().min_by_key(distance).map_or("database_url", |key| key.name)
}

/// Insertions, removals and replacements that turn one text into the other (Levenshtein).
fn edits_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, left) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_answered_with_the_one_meant() {
        assert_eq!(nearest("databse_url"), "database_url");
        assert_eq!(nearest("delta_poll"), "delta_poll_seconds");
        assert_eq!(nearest("smtp-url"), "smtp_url");
        assert_eq!(nearest("log_level"), "log");
    }

    #[test]
    fn only_a_secret_may_come_from_a_file_of_its_own() {
        assert!(matches!(find("master_key_file"), Some(Named::PathOf(key)) if key.name == "master_key"));
        assert!(matches!(find("ca_file"), Some(Named::Value(_))));
        assert!(find("cloud_file").is_none());
    }
}
