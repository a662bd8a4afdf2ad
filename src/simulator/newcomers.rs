//! Users and groups to add, and the properties they get by themselves.

use serde_json::{Value, json};
use uuid::Uuid;

use super::clock;
use super::directory::{GroupKind, Slot};
use super::properties::Kind;
use super::registry::TenantRecord;

/// A user to add. Everything but the name may be left out.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// An id of one's own instead of one the seed decides.
    pub id: Option<Uuid>,
    /// Otherwise `given.surname@TENANT.example`, with a number when taken.
    pub user_principal_name: Option<String>,
    /// Added disabled.
    pub disabled: bool,
    /// More properties by name; they win over the ones made of the fields above.
    pub properties: Vec<(String, Value)>,
}

impl NewUser {
    /// A user of that name.
    #[must_use]
    pub fn named(given_name: &str, surname: &str) -> Self {
        Self { given_name: given_name.to_owned(), surname: surname.to_owned(), ..Self::default() }
    }

    /// With this property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.push((property.to_owned(), value.into()));
        self
    }

    /// With this user principal name, and mail when none is given otherwise.
    #[must_use]
    pub fn with_user_principal_name(mut self, user_principal_name: &str) -> Self {
        self.user_principal_name = Some(user_principal_name.to_owned());
        self
    }

    /// With an id of one's own.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Disabled.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }
}

/// A group to add.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Need not be unique.
    pub display_name: String,
    /// An id of one's own instead of one the seed decides.
    pub id: Option<Uuid>,
    /// What it is for.
    pub kind: GroupKind,
    /// More properties by name.
    pub properties: Vec<(String, Value)>,
}

impl NewGroup {
    /// A security group of that name.
    #[must_use]
    pub fn named(display_name: &str) -> Self {
        Self { display_name: display_name.to_owned(), ..Self::default() }
    }

    /// Of another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: GroupKind) -> Self {
        self.kind = kind;
        self
    }

    /// With this property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.push((property.to_owned(), value.into()));
        self
    }

    /// With an id of one's own.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }
}

impl TenantRecord {
    /// Adds a user with the properties every user has.
    pub(super) fn add_user(&mut self, id: Uuid, user: NewUser, now: i64) -> Slot {
        let name = user.user_principal_name.clone().unwrap_or_else(|| self.free_name(&user));
        let nickname = name.split('@').next().unwrap_or_default().to_owned();
        let mut properties = vec![
            ("displayName", json!(format!("{} {}", user.given_name, user.surname).trim())),
            ("givenName", json!(user.given_name)),
            ("surname", json!(user.surname)),
            ("userPrincipalName", json!(name)),
            ("mail", json!(name)),
            ("mailNickname", json!(nickname)),
            ("accountEnabled", json!(!user.disabled)),
            ("userType", json!("Member")),
            ("createdDateTime", json!(clock::in_seconds(now))),
        ];
        replace(&mut properties, &user.properties);
        self.directory.add(Kind::User, id, &properties)
    }

    fn free_name(&self, user: &NewUser) -> String {
        let local = |text: &str| text.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "");
        let (given, surname) = (local(&user.given_name), local(&user.surname));
        let base = if surname.is_empty() { given } else { format!("{given}.{surname}") };
        let domain = self.domain();
        let numbered =
            |number: u32| if number == 1 { format!("{base}@{domain}") } else { format!("{base}{number}@{domain}") };
        let is_free = |name: &String| self.directory.live_named(name).is_none();
        (1..).map(numbered).find(is_free).unwrap_or_default()
    }

    /// Adds a group with the properties every group has.
    pub(super) fn add_group(&mut self, id: Uuid, group: NewGroup, now: i64) -> Slot {
        let nickname =
            group.display_name.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "");
        let is_mail = group.kind != GroupKind::Security;
        let is_secure = matches!(group.kind, GroupKind::Security | GroupKind::MailSecurity);
        let types = if group.kind == GroupKind::Microsoft365 { json!(["Unified"]) } else { json!([]) };
        let mail = is_mail.then(|| format!("{nickname}@{}", self.domain()));
        let mut properties = vec![
            ("displayName", json!(group.display_name)),
            ("mailNickname", json!(nickname)),
            ("mailEnabled", json!(is_mail)),
            ("securityEnabled", json!(is_secure)),
            ("groupTypes", types),
            ("createdDateTime", json!(clock::in_seconds(now))),
        ];
        properties.extend(mail.map(|mail| ("mail", json!(mail))));
        replace(&mut properties, &group.properties);
        self.directory.add(Kind::Group, id, &properties)
    }
}

/// Lets given properties win over made ones.
fn replace<'a>(properties: &mut Vec<(&'a str, Value)>, given: &'a [(String, Value)]) {
    properties.retain(|(name, _)| given.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)));
    properties.extend(given.iter().map(|(name, value)| (name.as_str(), value.clone())));
}
