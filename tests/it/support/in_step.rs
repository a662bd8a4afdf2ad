//! Compares everything Rollcall keeps with everything the simulated tenant has.

use std::collections::{BTreeMap, BTreeSet};

use rollcall::simulator::UserSnapshot;
use serde_json::Value;
use uuid::Uuid;

use super::app::TestApp;

/// Accounts, managers, teams and memberships equal what the tenant says of the people in `scope`.
pub async fn assert(app: &TestApp, scope: &[Uuid]) {
    let people: BTreeMap<Uuid, UserSnapshot> = app.tenant.users().into_iter().map(|user| (user.id, user)).collect();
    let in_scope: BTreeSet<Uuid> = scope.iter().flat_map(|group| app.tenant.transitive_users_of(*group)).collect();
    let wanted: BTreeSet<Uuid> = in_scope.iter().copied().filter(|id| people[id].enabled).collect();
    let accounts: BTreeMap<Uuid, Value> =
        app.list("accounts").await.into_iter().map(|account| (id(&account["external_id"]), account)).collect();
    let active: BTreeSet<Uuid> =
        accounts.iter().filter(|(_, account)| account["active"] == true).map(|(id, _)| *id).collect();
    assert_eq!(active, wanted, "active accounts");
    for id in &wanted {
        assert_account(&people[id], &accounts[id]);
    }
    for group in scope {
        let team = app.team(*group).await;
        let members = app.list(&format!("teams/{}/members", team["id"].as_str().unwrap())).await;
        let members: BTreeSet<Uuid> = members.iter().map(|member| id(&member["external_id"])).collect();
        let expected: BTreeSet<Uuid> =
            app.tenant.transitive_users_of(*group).into_iter().filter(|person| accounts.contains_key(person)).collect();
        assert_eq!(members, expected, "members of {}", team["name"]);
        assert_eq!(team["member_count"], expected.len(), "member count of {}", team["name"]);
    }
}

fn assert_account(person: &UserSnapshot, account: &Value) {
    let property = |name: &str| person.properties.get(name).cloned().unwrap_or_default();
    let who = property("userPrincipalName");
    for (field, name) in [
        ("user_name", "userPrincipalName"),
        ("display_name", "displayName"),
        ("given_name", "givenName"),
        ("family_name", "surname"),
        ("job_title", "jobTitle"),
        ("department", "department"),
    ] {
        assert_eq!(account[field], property(name), "{field} of {who}");
    }
    let manager = account["manager_external_id"].as_str().map(|id| id.parse::<Uuid>().unwrap());
    assert_eq!(manager, person.manager, "manager of {who}");
}

fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}
