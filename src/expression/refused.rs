//! What is refused, in which words, and where the bounds are.

use serde_json::json;

use super::documented::evaluate;
use super::{EvaluationError, Expression, ParseError};

/// Expressions with the place and the sentence of their refusal.
const REFUSED: [(&str, usize, &str); 25] = [
    ("", 1, "The expression ends where an attribute, a text, a number or a function is expected."),
    ("coalesce([mail])", 1, "Function names are case-sensitive: write Coalesce instead of coalesce."),
    ("Append([a], Joni(\"\", [b]))", 13, "There is no function Joni; did you mean Join?"),
    ("Xyzzyplugh([a])", 1, "There is no function Xyzzyplugh."),
    ("Append([a])", 1, "1 argument found where Append(source, suffix) is expected."),
    ("Now(1)", 1, "1 argument found where Now() is expected."),
    ("Append([a], )", 13, "Argument 2 of Append(source, suffix) may not be left out."),
    ("Append([a], \"b\"", 7, "Append has no closing parenthesis."),
    ("Append([a] \"b\")", 12, "A comma or a closing parenthesis of Append is expected here, not '\"'."),
    ("Append([a], \"b)", 13, "This text has no closing quotation mark."),
    ("Append([a, \"b\")", 8, "This attribute has no closing bracket; write [attributeName]."),
    ("ToLower([a]) x", 14, "The expression ends before this; remove the rest."),
    (
        "ToLower(mail)",
        9,
        "mail stands alone; write [mail] for an attribute, \"mail\" for text, mail(…) for a function.",
    ),
    ("ToLower(“a”)", 9, "Texts are enclosed in straight double quotation marks (\")."),
    ("ToLower(\"\\d\")", 10, "A backslash may only stand before \" or another backslash; write \\\\ for a backslash."),
    ("[a] = \"x\" = \"y\"", 11, "Only one comparison fits here; nest IIF for AND and OR."),
    ("Left(\"a\", 1x)", 11, "This is not a number; write 7, -10, 2.5, or &HF7, at most 9223372036854775807."),
    (
        "ToLower([])",
        9,
        "This is no attribute; write [name], [name.member], [name[0]] or [name[type eq \"work\"].member].",
    ),
    (
        "ToLower(SelectUniqueValue(\"a\", \"b\"))",
        9,
        "SelectUniqueValue must be the outermost function and cannot be nested.",
    ),
    ("DateAdd(\"q\", 1, Now())", 9, "The interval is yyyy, m, d, ww, h, n or s."),
    ("Split([a], \"\")", 12, "Split needs a delimiter of at least one character."),
    ("InStr([a], \"b\", 1, \"c\")", 20, "InStr compares with vbTextCompare or vbBinaryCompare only."),
    ("Replace([a], , \"(\", , \"\", , )", 16, "This pattern cannot be used: unclosed group."),
    (
        "Replace([a], , \"(?=x)\", , \"\", , )",
        16,
        "This pattern cannot be used: look-around, including look-ahead and look-behind, is not supported.",
    ),
    ("Replace([a], , \"\\\\w{9999}\", , \"\", , )", 16, "This pattern is too large; use smaller repetition counts."),
];

fn refusal(expression: &str) -> ParseError {
    Expression::parse(expression).unwrap_err()
}

#[test]
fn what_cannot_be_read_is_refused_in_a_sentence_with_its_place() {
    for (expression, at, message) in REFUSED {
        assert_eq!(refusal(expression), ParseError::new(at, message), "{expression}");
    }
    let format = refusal("FormatDateTime([a], , \"d\", \"yyyy\")");
    assert_eq!(format.at, 23, "{format}");
    let replace = refusal("Replace([a], \"b\", , )");
    assert!(replace.message.starts_with("Replace needs oldValue with"), "{replace}");
    let switch = refusal("Switch([a], \"\", \"k\", \"v\", \"k2\")");
    assert!(switch.message.starts_with("A key has no value: "), "{switch}");
    let role = refusal("SingleAppRoleAssignment([appRoleAssignments])");
    assert!(role.message.contains("app roles assigned in Entra"), "{role}");
    assert_eq!(
        refusal("Now(").to_string(),
        "Character 5: The expression ends where an attribute, a text, a number or a function is expected."
    );
}

#[test]
fn length_depth_and_results_are_bounded() {
    let long = |letters: usize| format!("\"{}\"", "x".repeat(letters));
    assert!(Expression::parse(&long(9_998)).is_ok());
    assert_eq!(refusal(&long(9_999)).at, 10_001);
    let deep = |depth: usize| format!("{}[a]{}", "ToLower(".repeat(depth), ")".repeat(depth));
    assert_eq!(evaluate(&deep(100), &json!({"a": "X"})), Ok(json!("x")));
    assert_eq!(refusal(&deep(101)), ParseError::new(801, "Functions are nested more than 100 deep here."));
    let grown = (0..9).fold("[a]".to_owned(), |inner, _| {
        format!(r#"Replace({inner}, "x", , , "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", , )"#)
    });
    assert_eq!(evaluate(&grown, &json!({"a": "x"})), Err(EvaluationError::TooLong { function: "Replace" }));
}

#[test]
fn hostile_patterns_end_at_a_bound() {
    let many = (0..21).fold(r#""""#.to_owned(), |inner, _| format!(r#"Replace({inner}, , "a", , "b", , )"#));
    assert!(refusal(&many).message.starts_with("There are more than 20 patterns"), "{}", refusal(&many));
    let quadratic = r#"Replace([a], , ".*[^A-Z]|[A-Z]", , "", , )"#;
    assert_eq!(evaluate(quadratic, &json!({"a": "A".repeat(250)})), Ok(json!("")));
    let refused = evaluate(quadratic, &json!({"a": "A".repeat(4_096)})).unwrap_err();
    assert!(refused.to_string().starts_with("Replace finds too many matches"), "{refused}");
    let linear = r#"Replace([a], , "^.*$", , "x", , )"#;
    assert_eq!(evaluate(linear, &json!({"a": "A".repeat(4_096)})), Ok(json!("x")));
    let dynamic = r#"Replace([a], , [pattern], , "x", , )"#;
    assert_eq!(evaluate(dynamic, &json!({"a": "abc", "pattern": "b"})), Ok(json!("axc")));
    assert!(evaluate(dynamic, &json!({"a": "abc", "pattern": "("})).is_err());
}
