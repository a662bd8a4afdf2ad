//! Everything the service keeps against everything the simulated directory holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::Play;
use super::watch::Finding;
use crate::cli::{CommandError, output};
use crate::demo::contoso::Contoso;
use crate::demo::stage::CONNECTION;

/// Fields of an account, and the property each comes from.
const FIELDS: [(&str, &str); 9] = [
    ("user_name", USER_PRINCIPAL_NAME),
    ("email", "mail"),
    ("given_name", "givenName"),
    ("family_name", "surname"),
    ("display_name", "displayName"),
    ("job_title", "jobTitle"),
    ("department", "department"),
    ("office_location", "officeLocation"),
    ("employee_id", "employeeId"),
];

const USER_PRINCIPAL_NAME: &str = "userPrincipalName";

/// Accounts of people who left.
const INACTIVE: &str = "inactive";

/// Something one side says; `about` is what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    about: &'static str,
    what: String,
}

fn fact(about: &'static str, what: impl Into<String>) -> Fact {
    Fact { about, what: what.into() }
}

impl Play<'_> {
    pub(super) async fn comparison(&mut self) -> Result<Finding, CommandError> {
        let expected = expected(&self.stage.contoso, &self.left);
        let look = async || {
            let found = self.found().await?;
            Ok(format!("{}{}", counted(&found), difference(&expected, &found)))
        };
        Ok(self.until(counted(&expected), look).await)
    }

    async fn found(&self) -> Result<BTreeSet<Fact>, CommandError> {
        let client = &self.stage.client;
        let accounts = client.items(&["connections", CONNECTION, "accounts"], &[]).await?;
        let by_id: BTreeMap<&str, &str> =
            accounts.iter().filter_map(|one| Some((one["id"].as_str()?, one["external_id"].as_str()?))).collect();
        let mut facts: BTreeSet<Fact> = accounts.iter().flat_map(|account| account_facts(account, &by_id)).collect();
        for team in client.items(&["connections", CONNECTION, "teams"], &[]).await? {
            if team["active"] != true {
                continue;
            }
            let id = output::text(&team["id"]);
            let group = output::text(&team["external_id"]);
            facts.insert(fact("teams", format!("{group} {}", output::text(&team["name"]))));
            let members = client.items(&["connections", CONNECTION, "teams", &id, "members"], &[]).await?;
            let member =
                |account: &Value| fact("memberships", format!("{group} {}", output::text(&account["external_id"])));
            facts.extend(members.iter().map(member));
        }
        Ok(facts)
    }
}

/// The manager is told twice, by object id and by account id; both have to lead to the same person.
fn account_facts(account: &Value, by_id: &BTreeMap<&str, &str>) -> Vec<Fact> {
    let person = output::text(&account["external_id"]);
    if account["active"] != true {
        return vec![fact(INACTIVE, format!("{person} {}", output::text(&account["deactivated_reason"])))];
    }
    let fields = FIELDS.map(|(field, _)| output::text(&account[field]));
    let mut facts = vec![fact("accounts", format!("{person} {}", fields.join("|")))];
    if let Some(manager) = account["manager_external_id"].as_str() {
        facts.push(fact("managers", format!("{person} under {manager}")));
        let by_account = account["manager_id"].as_str().and_then(|id| by_id.get(id)).copied();
        if let Some(other) = by_account.filter(|other| *other != manager) {
            facts.push(fact("managers", format!("{person} under the account of {other}")));
        }
    }
    facts
}

fn expected(contoso: &Contoso, left: &BTreeMap<Uuid, &str>) -> BTreeSet<Fact> {
    let mut facts: BTreeSet<Fact> =
        left.iter().map(|(person, reason)| fact(INACTIVE, format!("{person} {reason}"))).collect();
    for user in contoso.people_in_scope() {
        let property = |name: &str| user.properties.get(name).map(output::text).unwrap_or_default();
        let fields = FIELDS.map(|(_, name)| match name {
            USER_PRINCIPAL_NAME => at_home(property(name)),
            _ => property(name),
        });
        facts.insert(fact("accounts", format!("{} {}", user.id, fields.join("|"))));
        facts.extend(user.manager.map(|manager| fact("managers", format!("{} under {manager}", user.id))));
    }
    for group in contoso.scope() {
        let name = contoso.tenant.group(group).map(|group| group.display_name).unwrap_or_default();
        facts.insert(fact("teams", format!("{group} {name}")));
        let member = |person| fact("memberships", format!("{group} {person}"));
        // Who is disabled keeps account and memberships; who was disabled from the beginning never had them.
        let with_account =
            |person: &Uuid| left.contains_key(person) || contoso.tenant.user(*person).is_some_and(|user| user.enabled);
        let members = contoso.tenant.transitive_users_of(group).into_iter();
        facts.extend(members.filter(with_account).map(member));
    }
    facts
}

/// A guest is called as in their own directory, as Entra's provisioning does: `ada_fabrikam.com#EXT#@contoso.example`
/// is `ada@fabrikam.com`.
fn at_home(name: String) -> String {
    let home = name.split_once("#EXT#").and_then(|(home, _)| home.rsplit_once('_'));
    home.map_or_else(|| name.clone(), |(alias, domain)| format!("{alias}@{domain}"))
}

/// `54 accounts, 3 inactive, 2 teams, 60 memberships, 53 managers`
fn counted(facts: &BTreeSet<Fact>) -> String {
    let count = |about: &str| facts.iter().filter(|fact| fact.about == about).count();
    ["accounts", INACTIVE, "teams", "memberships", "managers"]
        .map(|about| format!("{} {about}", count(about)))
        .join(", ")
}

fn difference(expected: &BTreeSet<Fact>, found: &BTreeSet<Fact>) -> String {
    let missing = expected.difference(found).map(|fact| ("missing", fact));
    let wrong = found.difference(expected).map(|fact| ("too much", fact));
    let all: Vec<_> = missing.chain(wrong).collect();
    match all.first() {
        None => String::new(),
        Some((how, fact)) => format!("; {} differ, such as {how} {}: {}", all.len(), fact.about, fact.what),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_numbers_with_other_content_differ() {
        let one = BTreeSet::from([fact("accounts", "a")]);
        let other = BTreeSet::from([fact("accounts", "b")]);
        assert_eq!(counted(&one), counted(&other));
        assert_eq!(difference(&one, &other), "; 2 differ, such as missing accounts: a");
        assert_eq!(difference(&one, &one), "");
    }

    #[test]
    fn a_manager_told_two_ways_has_to_be_one_person() {
        let account = json!({ "external_id": "p", "active": true, "manager_external_id": "m", "manager_id": "1" });
        let facts = account_facts(&account, &BTreeMap::from([("1", "m")]));
        assert_eq!(facts.iter().filter(|fact| fact.about == "managers").count(), 1);
        let facts = account_facts(&account, &BTreeMap::from([("1", "other")]));
        assert_eq!(facts.iter().filter(|fact| fact.about == "managers").count(), 2);
    }
}
