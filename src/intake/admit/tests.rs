use super::*;
use crate::intake::parse::ClientState;

const CONTOSO: TenantId = TenantId(Uuid::from_u128(1));
const FABRIKAM: TenantId = TenantId(Uuid::from_u128(2));

fn row(connection: &str, tenant: TenantId, key_version: Option<i32>) -> SignedWith {
    SignedWith { connection: connection.parse().unwrap(), tenant, key_version: key_version.map(KeyVersion) }
}

fn notification(tenant: TenantId, client_state: &str, told: Told) -> Notification<'_> {
    Notification {
        tenant,
        subscription: SubscriptionId(Uuid::from_u128(9)),
        client_state: ClientState(client_state.into()),
        told,
    }
}

fn change(resource: Resource) -> Told {
    let object = crate::directory::ObjectId(Uuid::from_u128(7));
    Told::Change(Change { resource, object, change_type: ChangeType::Updated, members: Vec::new() })
}

fn accepted(expected: &Expected, tenant: TenantId, client_state: &str, told: Told) -> bool {
    expected.admit(&[notification(tenant, client_state, told)]).accepted == 1
}

#[test]
fn a_client_state_verifies_for_its_tenant_connection_and_resource_only() {
    let ring = Keyring::new_random();
    let expected = Expected::new(&ring, &[row("contoso", CONTOSO, None), row("fabrikam", FABRIKAM, Some(1))]);
    let users = ring.client_state(KeyVersion(1), &"contoso".parse().unwrap(), "users").unwrap();
    let of_fabrikam = ring.client_state(KeyVersion(1), &"fabrikam".parse().unwrap(), "users").unwrap();

    assert!(accepted(&expected, CONTOSO, &users, change(Resource::Users)));
    assert!(!accepted(&expected, CONTOSO, &users, change(Resource::Groups)));
    assert!(!accepted(&expected, FABRIKAM, &users, change(Resource::Users)));
    assert!(!accepted(&expected, CONTOSO, &of_fabrikam, change(Resource::Users)));
    assert!(!accepted(&expected, CONTOSO, "", change(Resource::Users)));
    assert!(!accepted(&expected, TenantId(Uuid::from_u128(3)), &users, change(Resource::Users)));
}

#[test]
fn a_lifecycle_notification_verifies_against_either_resource() {
    let ring = Keyring::new_random();
    let expected = Expected::new(&ring, &[row("contoso", CONTOSO, None)]);
    for resource in Resource::ALL {
        let state = ring.client_state(KeyVersion(1), &"contoso".parse().unwrap(), resource.as_str()).unwrap();
        assert!(accepted(&expected, CONTOSO, &state, Told::Lifecycle(LifecycleEvent::Missed)));
    }
    assert!(!accepted(&expected, CONTOSO, "v1.forged", Told::Lifecycle(LifecycleEvent::Missed)));
}

#[test]
fn a_rotated_key_and_the_one_a_live_subscription_carries_both_verify() {
    let mut ring = Keyring::new_random();
    let old = ring.client_state(KeyVersion(1), &"contoso".parse().unwrap(), "users").unwrap();
    let second = ring.rotate();
    let new = ring.client_state(second, &"contoso".parse().unwrap(), "users").unwrap();
    let during = Expected::new(&ring, &[row("contoso", CONTOSO, Some(1))]);
    let after = Expected::new(&ring, &[row("contoso", CONTOSO, Some(2))]);
    for (expected, old_verifies) in [(&during, true), (&after, false)] {
        assert!(accepted(expected, CONTOSO, &new, change(Resource::Users)));
        assert_eq!(accepted(expected, CONTOSO, &old, change(Resource::Users)), old_verifies);
    }
}

#[test]
fn two_connections_of_one_tenant_are_told_apart_by_their_client_states() {
    let ring = Keyring::new_random();
    let expected = Expected::new(&ring, &[row("contoso-a", CONTOSO, None), row("contoso-b", CONTOSO, None)]);
    let states = ["contoso-a", "contoso-b"]
        .map(|name| ring.client_state(KeyVersion(1), &name.parse().unwrap(), "users").unwrap());
    let notifications = states.each_ref().map(|state| notification(CONTOSO, state, change(Resource::Users)));
    let batch = expected.admit(&notifications).batch.finish();
    let mut connections = Vec::new();
    batch.for_each(|entry| connections.push(entry.connection.to_owned())).unwrap();
    assert_eq!(connections, ["contoso-a", "contoso-b"]);
}

#[test]
fn a_rejected_notification_does_not_take_the_accepted_ones_with_it() {
    let ring = Keyring::new_random();
    let expected = Expected::new(&ring, &[row("contoso", CONTOSO, None)]);
    let good = ring.client_state(KeyVersion(1), &"contoso".parse().unwrap(), "users").unwrap();
    let told = || change(Resource::Users);
    let mixed = [
        notification(CONTOSO, &good, told()),
        notification(CONTOSO, "forged", told()),
        notification(FABRIKAM, &good, told()),
        notification(CONTOSO, &good, told()),
    ];
    let admitted = expected.admit(&mixed);
    assert_eq!((admitted.accepted, admitted.rejected), (2, 2));
}
