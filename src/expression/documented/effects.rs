//! What the reference says about functions that look beyond the person, and what an expression says about itself.

use serde_json::{Map, json};

use super::{evaluate, person};
use crate::expression::{Context, EvaluationError, Expression};

#[test]
fn the_first_unique_value_is_selected_and_running_out_is_an_error() {
    let expression = r#"SelectUniqueValue(
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "taken.example"),
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 1), [PreferredLastName]))), [domain])
    )"#;
    let john = |domain: &str| json!({"PreferredFirstName": "John", "PreferredLastName": "Smith", "domain": domain});
    assert_eq!(evaluate(expression, &john("contoso.com")), Ok(json!("J.Smith@contoso.com")));
    assert_eq!(evaluate(expression, &john("taken.example")), Err(EvaluationError::NoUniqueValue));
}

#[test]
fn random_values_have_the_asked_for_make_up() {
    let text = evaluate(r#"RandomString(10,2,2,2,1,"?,")"#, &json!({})).unwrap();
    let text = text.as_str().unwrap();
    let count = |wanted: fn(&char) -> bool| text.chars().filter(wanted).count();
    assert_eq!(text.len(), 10);
    assert!(count(char::is_ascii_digit) >= 2 && count(char::is_ascii_punctuation) >= 2, "{text}");
    assert!(count(char::is_ascii_uppercase) >= 2 && count(char::is_ascii_lowercase) >= 1, "{text}");
    assert!(!text.contains(['?', ',']), "{text}");
    let plain = evaluate("Redact(RandomString(6,3,0,0,3))", &json!({})).unwrap();
    let plain = plain.as_str().unwrap();
    assert_eq!(plain.chars().filter(char::is_ascii_digit).count(), 3, "{plain}");
    assert_eq!(plain.chars().filter(char::is_ascii_lowercase).count(), 3, "{plain}");
    let guid = evaluate("Guid()", &json!({})).unwrap();
    let guid: uuid::Uuid = guid.as_str().unwrap().parse().unwrap();
    assert_eq!((guid.get_version_num(), guid.get_variant()), (4, uuid::Variant::RFC4122));
}

#[test]
fn ignoring_the_flow_is_reported_only_when_the_result_is_empty() {
    let (mut random, is_taken) = (|| 0, |_: &str| false);
    let mut context = Context::new(0, &mut random, &is_taken);
    for (expression, attributes, is_ignored) in [
        ("IgnoreFlowIfNullOrEmpty([department])", json!({}), true),
        ("IgnoreFlowIfNullOrEmpty([department])", json!({"department": "IT"}), false),
        ("Coalesce(IgnoreFlowIfNullOrEmpty([department]), [companyName])", json!({"companyName": "x"}), false),
        ("Coalesce([department])", json!({}), false),
    ] {
        Expression::parse(expression).unwrap().evaluate(&person(&attributes), &mut context).unwrap();
        assert_eq!(context.is_flow_ignored, is_ignored, "{expression} of {attributes}");
    }
}

#[test]
fn a_scoping_filter_must_say_true_or_false() {
    let (mut random, is_taken) = (|| 0, |_: &str| false);
    let mut context = Context::new(0, &mut random, &is_taken);
    let mut matches = |filter: &str| Expression::parse(filter).unwrap().matches(&Map::new(), &mut context);
    assert_eq!(matches(r#"IIF(IsNull([country]),"True","False")"#), Ok(true));
    assert_eq!(matches(r#"[country] = "USA""#), Ok(false));
    assert_eq!(matches("[country]"), Err(EvaluationError::NotBoolean { kind: "nothing" }));
    assert_eq!(matches(r#""yes""#), Err(EvaluationError::NotBoolean { kind: "a text" }));
}

#[test]
fn an_expression_knows_what_it_reads_and_whether_it_repeats() {
    let expression = Expression::parse(
        r#"IIF([extensionAttribute1] = "x", Replace([mobile], , "a", "b", , [manager.mail], ), Redact(Guid()))"#,
    );
    let expression = expression.unwrap();
    let attributes: Vec<&str> = expression.attributes().into_iter().collect();
    assert_eq!(attributes, ["manager", "mobilePhone", "onPremisesExtensionAttributes"]);
    assert!(!expression.is_repeatable() && expression.is_redacted());
    let plain = Expression::parse("Now()").unwrap();
    assert!(plain.is_repeatable() && !plain.is_redacted());
}
