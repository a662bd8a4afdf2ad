use super::*;

const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const SUBSCRIPTION: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
const ADA: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";
const TEAM: &str = "02bd9fd6-8f93-4758-87c3-1fb73740a315";

fn item(fields: &str) -> String {
    format!(r#"{{"subscriptionId":"{SUBSCRIPTION}","tenantId":"{TENANT}","clientState":"v1.secret",{fields}}}"#)
}

fn user(extra: &str) -> String {
    item(&format!(
        r##""changeType":"updated","resource":"Users/{ADA}","resourceData":{{"@odata.type":"#Microsoft.Graph.User","@odata.id":"Users/{ADA}","id":"{ADA}"{extra}}}"##
    ))
}

fn body(items: &[String]) -> String {
    format!(r#"{{"value":[{}]}}"#, items.join(","))
}

fn changes<'a>(parsed: &'a Parsed<'_>) -> Vec<&'a Change> {
    let change = |notification: &'a Notification<'_>| match &notification.told {
        Told::Change(change) => Some(change),
        Told::Lifecycle(_) => None,
    };
    parsed.notifications.iter().filter_map(change).collect()
}

#[test]
fn a_user_notification_as_captured_is_read() {
    let text = body(&[user(
        r#","organizationId":"84bd8158-6d4d-4958-8b9f-9d6445542f95","eventTime":"2022-05-24T22:24:31.3062901Z","sequenceNumber":637890278713062901"#,
    )]);
    let parsed = parse(text.as_bytes()).unwrap();
    let expected = Notification {
        tenant: TENANT.parse().unwrap(),
        subscription: SUBSCRIPTION.parse().unwrap(),
        client_state: ClientState("v1.secret".into()),
        told: Told::Change(Change {
            resource: Resource::Users,
            object: ADA.parse().unwrap(),
            change_type: ChangeType::Updated,
            members: Vec::new(),
        }),
    };
    assert_eq!(parsed.notifications, [expected]);
    assert_eq!((parsed.dropped_count, parsed.unknown_count), (0, 0));
}

#[test]
fn a_sequence_number_may_be_a_number_a_text_or_absent() {
    let items = [
        user(r#","sequenceNumber":637890278713062901"#),
        user(r#","sequenceNumber":"637890278713062901""#),
        user(r#","sequenceNumber":99999999999999999999999"#),
        user(""),
    ];
    let text = body(&items);
    assert_eq!(changes(&parse(text.as_bytes()).unwrap()).len(), 4);
}

#[test]
fn members_are_hints_with_removed_as_text_or_object() {
    let text = body(&[item(&format!(
        r##""changeType":"updated","resource":"Groups/{TEAM}","resourceData":{{"@odata.type":"#Microsoft.Graph.Group","id":"{TEAM}",
        "members@delta":[{{"id":"{ADA}"}},{{"id":"{ADA}","@removed":"deleted"}},{{"id":"{ADA}","@removed":{{"reason":"deleted"}}}},{{"id":"nobody"}},7,{{"id":"{ADA}","@removed":null}}]}}"##
    ))]);
    let parsed = parse(text.as_bytes()).unwrap();
    let change = changes(&parsed)[0];
    assert_eq!((change.resource, change.object), (Resource::Groups, TEAM.parse().unwrap()));
    let removed: Vec<bool> = change.members.iter().map(|member| member.removed).collect();
    assert_eq!(removed, [false, true, true, false]);
    assert_eq!(parsed.dropped_count, 2);
}

#[test]
fn one_bad_item_leaves_the_good_ones() {
    let bad = [
        "null",
        "7",
        r#""text""#,
        "[1,{}]",
        "{}",
        r#"{"subscriptionId":5,"tenantId":{},"clientState":[],"changeType":true,"resource":null,"resourceData":"x"}"#,
    ];
    for bad in bad {
        let text = body(&[user(""), bad.to_owned(), user("")]);
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!((changes(&parsed).len(), parsed.dropped_count), (2, 1), "{bad}");
    }
}

#[test]
fn ids_that_are_no_guids_are_dropped_and_counted() {
    for id in [TENANT, SUBSCRIPTION, ADA] {
        let text = body(&[user("").replace(id, "not-a-guid"), user("")]);
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!((changes(&parsed).len(), parsed.dropped_count), (1, 1), "{id}");
    }
}

#[test]
fn the_object_is_found_by_the_resource_path_when_there_is_no_resource_data() {
    for path in [format!("Users/{ADA}"), format!("/users/{ADA}"), format!("/v1.0/USERS/{ADA}")] {
        let text = body(&[item(&format!(r#""changeType":"deleted","resource":"{path}""#))]);
        let parsed = parse(text.as_bytes()).unwrap();
        let change = changes(&parsed)[0];
        assert_eq!((change.resource, change.change_type), (Resource::Users, ChangeType::Deleted), "{path}");
        assert_eq!(change.object, ADA.parse().unwrap());
    }
}

#[test]
fn unknown_change_types_and_lifecycle_events_are_kept_and_counted() {
    let text = body(&[
        user("").replace("updated", "unknownFutureValue"),
        item(r#""lifecycleEvent":"somethingNew""#),
        item(r#""lifecycleEvent":"reauthorizationRequired""#),
    ]);
    let parsed = parse(text.as_bytes()).unwrap();
    assert_eq!((parsed.unknown_count, parsed.dropped_count), (2, 0));
    assert_eq!(changes(&parsed)[0].change_type, ChangeType::Unknown);
    assert_eq!(parsed.notifications[1].told, Told::Lifecycle(LifecycleEvent::Unknown));
    assert_eq!(parsed.notifications[2].told, Told::Lifecycle(LifecycleEvent::ReauthorizationRequired));
}

#[test]
fn what_is_no_collection_is_refused() {
    for text in
        ["", "x", "null", "[]", "{}", r#"{"value":{}}"#, r#"{"value":null}"#, r#"{"value":[]} x"#, r#"{"value":["#]
    {
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, MalformedBody::NotACollection { .. }), "{text}");
    }
    assert!(parse(br#"{"value":[],"more":[{"a":1.5}]}"#).unwrap().notifications.is_empty());
}

#[test]
fn bytes_that_are_no_utf_8_are_refused_wherever_they_stand() {
    let mut bytes = br#"{"value":[],"ignored":"x"}"#.to_vec();
    let at = bytes.iter().position(|byte| *byte == b'x').unwrap();
    bytes[at] = 0xff;
    assert!(matches!(parse(&bytes).unwrap_err(), MalformedBody::NotText(_)));
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    const DEPTH: usize = 1_000_000;
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let deep_object = format!("{}1{}", r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    for nested in [deep, deep_object] {
        for text in [nested.clone(), body(std::slice::from_ref(&nested)), body(&[user(&format!(r#","x":{nested}"#))])] {
            assert!(matches!(parse(text.as_bytes()).unwrap_err(), MalformedBody::NotACollection { .. }));
        }
    }
}

#[test]
fn an_escaped_name_or_text_is_read_like_a_plain_one() {
    let text = body(&[user("").replace("clientState", r"client\u0053tate").replace("v1.secret", r"v1.\u0073ecret")]);
    let parsed = parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.notifications[0].client_state, ClientState("v1.secret".into()));
}

#[test]
fn a_client_state_is_never_printed() {
    let text = body(&[user("")]);
    let printed = format!("{:?}", parse(text.as_bytes()).unwrap());
    assert!(!printed.contains("secret"), "{printed}");
}

mod any_bytes {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = super::parse(&bytes).is_ok();
        }

        #[test]
        fn a_damaged_body_gives_a_result_and_no_panic(at in 0_usize..400, byte in any::<u8>()) {
            let mut bytes = super::body(&[super::user(r#","x":[{"y":null}]"#), super::item(r#""lifecycleEvent":"missed""#)]).into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = super::parse(&bytes).is_ok();
        }
    }
}
