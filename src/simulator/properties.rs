//! Which properties users and groups have, and when they are returned. Graph: resources/user, resources/group.

/// User or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    /// `#microsoft.graph.user`, the value of `@odata.type`.
    pub(super) fn odata_type(self) -> &'static str {
        match self {
            Kind::User => "#microsoft.graph.user",
            Kind::Group => "#microsoft.graph.group",
        }
    }

    /// `users`, the name of the collection in paths and contexts.
    pub(super) fn collection(self) -> &'static str {
        match self {
            Kind::User => "users",
            Kind::Group => "groups",
        }
    }

    /// `Users`, as notifications write it.
    pub(super) fn notified_as(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    /// `#Microsoft.Graph.User`, as notifications write the type.
    pub(super) fn notified_type(self) -> &'static str {
        match self {
            Kind::User => "#Microsoft.Graph.User",
            Kind::Group => "#Microsoft.Graph.Group",
        }
    }
}

/// When a property is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returned {
    /// Also without `$select`.
    ByDefault,
    /// Only when selected.
    WhenSelected,
    /// Only when selected on a single object; 501 on a collection.
    SingleOnly,
}

/// One property of a kind.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) returned: Returned,
    /// What is returned while nothing was ever set.
    pub(super) empty: &'static str,
}

const fn property(name: &'static str, returned: Returned, empty: &'static str) -> Property {
    Property { name, returned, empty }
}

const fn shown(name: &'static str) -> Property {
    property(name, Returned::ByDefault, "null")
}

const fn shown_list(name: &'static str) -> Property {
    property(name, Returned::ByDefault, "[]")
}

const fn selected(name: &'static str) -> Property {
    property(name, Returned::WhenSelected, "null")
}

const fn selected_list(name: &'static str) -> Property {
    property(name, Returned::WhenSelected, "[]")
}

const fn single(name: &'static str) -> Property {
    property(name, Returned::SingleOnly, "null")
}

/// Graph: resources/user. The order is the order of writing; `id` is first in both tables.
const USER: &[Property] = &[
    shown("id"),
    shown_list("businessPhones"),
    shown("displayName"),
    shown("givenName"),
    shown("jobTitle"),
    shown("mail"),
    shown("mobilePhone"),
    shown("officeLocation"),
    shown("preferredLanguage"),
    shown("surname"),
    shown("userPrincipalName"),
    selected("accountEnabled"),
    selected("userType"),
    selected("department"),
    selected("companyName"),
    selected("employeeId"),
    selected("employeeType"),
    selected("employeeHireDate"),
    selected("employeeLeaveDateTime"),
    selected("employeeOrgData"),
    selected("mailNickname"),
    selected("streetAddress"),
    selected("postalCode"),
    selected("country"),
    selected("city"),
    selected("state"),
    selected("usageLocation"),
    selected("faxNumber"),
    selected_list("otherMails"),
    selected_list("proxyAddresses"),
    selected_list("imAddresses"),
    selected_list("identities"),
    selected_list("assignedLicenses"),
    selected("createdDateTime"),
    selected("deletedDateTime"),
    selected("creationType"),
    selected("externalUserState"),
    selected("externalUserStateChangeDateTime"),
    selected("ageGroup"),
    selected("consentProvidedForMinor"),
    selected("legalAgeGroupClassification"),
    selected("passwordPolicies"),
    selected("securityIdentifier"),
    selected("showInAddressList"),
    selected("signInSessionsValidFromDateTime"),
    selected("signInActivity"),
    selected("customSecurityAttributes"),
    selected("onPremisesSyncEnabled"),
    selected("onPremisesImmutableId"),
    selected("onPremisesSamAccountName"),
    selected("onPremisesDistinguishedName"),
    selected("onPremisesDomainName"),
    selected("onPremisesUserPrincipalName"),
    selected("onPremisesSecurityIdentifier"),
    selected("onPremisesLastSyncDateTime"),
    selected("onPremisesExtensionAttributes"),
    single("aboutMe"),
    single("birthday"),
    single("hireDate"),
    single("interests"),
    single("mySite"),
    single("pastProjects"),
    single("preferredName"),
    single("responsibilities"),
    single("schools"),
    single("skills"),
    single("mailboxSettings"),
];

/// Graph: resources/group.
const GROUP: &[Property] = &[
    shown("id"),
    shown("deletedDateTime"),
    shown("classification"),
    shown("createdDateTime"),
    shown("description"),
    shown("displayName"),
    shown("expirationDateTime"),
    shown_list("groupTypes"),
    shown("isAssignableToRole"),
    shown("mail"),
    shown("mailEnabled"),
    shown("mailNickname"),
    shown("membershipRule"),
    shown("membershipRuleProcessingState"),
    shown("onPremisesDomainName"),
    shown("onPremisesLastSyncDateTime"),
    shown("onPremisesSamAccountName"),
    shown("onPremisesSecurityIdentifier"),
    shown("onPremisesSyncEnabled"),
    shown("preferredDataLocation"),
    shown("preferredLanguage"),
    shown_list("proxyAddresses"),
    shown("renewedDateTime"),
    shown_list("resourceProvisioningOptions"),
    shown("securityEnabled"),
    shown("securityIdentifier"),
    shown("theme"),
    shown("visibility"),
    selected_list("assignedLabels"),
    selected_list("assignedLicenses"),
    single("allowExternalSenders"),
    single("autoSubscribeNewMembers"),
    single("isSubscribedByMail"),
    single("unseenCount"),
];

/// Ids from here on name directory extensions, which are made while running.
const EXTENSIONS_FROM: u16 = 10_000;

/// The id of `id` in both tables.
pub(super) const ID: PropertyId = PropertyId(0);

/// A property of a kind, by its place in the kind's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PropertyId(u16);

/// The properties of both kinds, with the directory extensions seen so far.
#[derive(Debug, Default)]
pub(super) struct Schema {
    extensions: Vec<String>,
}

fn table(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
    }
}

/// Whether the name has the form of a directory extension: `extension_<application id without dashes>_<name>`.
pub(super) fn is_extension(name: &str) -> bool {
    let Some((application, rest)) = name.strip_prefix("extension_").and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    application.len() == 32 && application.bytes().all(|byte| byte.is_ascii_hexdigit()) && !rest.is_empty()
}

impl Schema {
    /// The property of that name; names of extensions are case-sensitive, all others are not.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<PropertyId> {
        let place = table(kind).iter().position(|property| property.name.eq_ignore_ascii_case(name));
        let extension = || {
            let place = self.extensions.iter().position(|extension| extension == name)?;
            Some(place + usize::from(EXTENSIONS_FROM))
        };
        let place = place.or_else(extension)?;
        u16::try_from(place).ok().map(PropertyId)
    }

    /// Like [`Schema::find`], and makes a directory extension that is new.
    pub(super) fn find_or_extend(&mut self, kind: Kind, name: &str) -> Option<PropertyId> {
        if let Some(found) = self.find(kind, name) {
            return Some(found);
        }
        if !is_extension(name) {
            return None;
        }
        self.extensions.push(name.to_owned());
        self.find(kind, name)
    }

    pub(super) fn name(&self, kind: Kind, id: PropertyId) -> &str {
        match id.0.checked_sub(EXTENSIONS_FROM) {
            Some(place) => &self.extensions[usize::from(place)],
            None => table(kind)[usize::from(id.0)].name,
        }
    }

    /// What is returned for a property nothing was ever set in; nothing at all for an extension.
    pub(super) fn empty(&self, kind: Kind, id: PropertyId) -> Option<&'static str> {
        table(kind).get(usize::from(id.0)).map(|property| property.empty)
    }

    pub(super) fn returned(&self, kind: Kind, id: PropertyId) -> Returned {
        table(kind).get(usize::from(id.0)).map_or(Returned::WhenSelected, |property| property.returned)
    }

    /// What is returned without `$select`.
    pub(super) fn defaults(&self, kind: Kind) -> Vec<PropertyId> {
        let ids = (0..).map(PropertyId).zip(table(kind));
        ids.filter(|(_, property)| property.returned == Returned::ByDefault).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_properties_of_a_user_are_the_eleven_of_graph() {
        let schema = Schema::default();
        let names: Vec<_> = schema.defaults(Kind::User).iter().map(|id| schema.name(Kind::User, *id)).collect();
        assert_eq!(names.len(), 11);
        assert!(names.contains(&"userPrincipalName") && !names.contains(&"accountEnabled"));
    }

    #[test]
    fn names_are_found_in_any_case_and_extensions_only_in_theirs() {
        let mut schema = Schema::default();
        let extension = "extension_0123456789abcdef0123456789abcdef_costCenter";
        assert!(schema.find(Kind::User, "JOBTITLE").is_some());
        assert!(schema.find_or_extend(Kind::User, "nonsense").is_none());
        let id = schema.find_or_extend(Kind::User, extension).unwrap();
        assert_eq!(schema.name(Kind::User, id), extension);
        assert_eq!(schema.find(Kind::User, &extension.to_uppercase()), None);
    }
}
