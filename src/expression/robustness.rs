//! No text makes parsing panic and no person makes evaluation panic.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::functions::ALL;
use super::{Context, Expression, ParseError};

/// What expressions and attribute values are put together from.
const WORDS: [&str; 34] = [
    "",
    " ",
    "True",
    "0",
    "-1",
    "1",
    "7.5",
    "9223372036854775807",
    "-9223372036854775808",
    "a",
    "ÄßıİǄ",
    "\u{304}\u{1F600}",
    "a, b,,c",
    "2012-03-16-07:00",
    "0001-01-01",
    "9999-12-31T23:59:59.9999999-14:00",
    "12/31/9999 11:59:59 PM",
    "d",
    "yyyy",
    "ww",
    "m",
    "yyyyMMddHHmmss.fffffffZ",
    "dddd, MMMM dd yyyy hh:mm:ss.FFFFFFF tt zzz K",
    "'",
    "%",
    "\\",
    "$1${n}$&$$",
    "(?<n>.)",
    ".*|(",
    "n",
    "x#EXT#@y",
    "tr-TR",
    "AllowInnerWhite",
    "vbTextCompare",
];

/// Pieces of syntax, of which most sequences are no expression.
const PIECES: [&str; 18] = [
    "(",
    ")",
    ",",
    "[",
    "]",
    "[a]",
    "[b.c[0]]",
    "[d[e eq \"f\"].g]",
    "\"",
    "\"x\"",
    "\\",
    "=",
    "<>",
    ">",
    "&HF",
    "-1.5",
    "Join",
    "IIF(",
];

/// A well-formed expression that the choices lead to: each byte decides one turn.
fn expression(choices: &mut impl Iterator<Item = u8>, depth: u8) -> String {
    let choice = choices.next().unwrap_or(0);
    if depth == 0 || choice < 60 {
        return operand(choice, choices.next().unwrap_or(0));
    }
    if choice < 70 {
        let operator = ["=", "<>", "<", "<=", ">", ">="][usize::from(choice) % 6];
        return format!("{} {operator} {}", operand(choice % 40, 0), operand(choice % 3 + 40, choice));
    }
    let functions: Vec<_> = ALL.iter().copied().flatten().collect();
    let function = functions[usize::from(choices.next().unwrap_or(0)) % functions.len()];
    let extra = usize::from(choices.next().unwrap_or(0)) % 4;
    let count = (function.count_min + extra).min(function.count_max.unwrap_or(usize::MAX));
    let arguments: Vec<String> = (0..count)
        .map(|index| match special(function.name, index) {
            [] => expression(choices, depth - 1),
            texts => format!("\"{}\"", texts[usize::from(choices.next().unwrap_or(0)) % texts.len()]),
        })
        .collect();
    format!("{}({})", function.name, arguments.join(","))
}

/// The texts of arguments that are checked when parsed, so that more than their refusal is tried.
fn special(function: &str, index: usize) -> &'static [&'static str] {
    match (function, index) {
        ("DateAdd" | "DateDiff", 0) => &["yyyy", "m", "d", "ww", "h", "n", "s"],
        ("FormatDateTime", 1) => &["", "None", "AllowInnerWhite", "AllowWhiteSpaces, NoCurrentDateDefault"],
        ("FormatDateTime", 2 | 3) => {
            &["yyyy-MM-ddzzz", "%K", "dddd, d MMM y h:m:s.FFF tt zzz", "M/d/yyyy", "yyMMdd'T'HHmmss.fffZ"]
        }
        ("Replace", 2) => &["", ".", "(?<n>a*)", "\\\\d+|(b)?"],
        ("RandomString", 0) => &["20", "256", "0"],
        ("RandomString", 1..5) => &["0", "1", "3"],
        _ => &[],
    }
}

fn operand(choice: u8, which: u8) -> String {
    match choice % 60 {
        0..30 => format!("[{}]", ["a", "b", "c", "userPrincipalName", "a.b", "c[1]"][usize::from(which) % 6]),
        30..50 => serde_json::to_string(WORDS[usize::from(which) % WORDS.len()]).unwrap(),
        _ => (i32::from(which) - 20).to_string(),
    }
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn person() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("a|b|c|userPrincipalName|a.b", value(), 0..6)
        .prop_map(|attributes| attributes.into_iter().collect())
}

fn is_simple(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| !item.is_array() && !item.is_object()),
        other => !other.is_object(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}", pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..20)) {
        for text in [text, pieces.concat()] {
            if let Err(ParseError { at, message }) = Expression::parse(&text) {
                prop_assert!(at >= 1 && at <= text.chars().count() + 1, "{at} in {text:?}");
                prop_assert!(message.ends_with(['.', '?']), "{message}");
            }
        }
    }

    #[test]
    fn evaluation_never_panics(
        choices in prop::collection::vec(any::<u8>(), 1..60),
        person in person(),
        now_micros in any::<i64>(),
        seed in any::<u64>(),
    ) {
        let text = expression(&mut choices.into_iter(), 4);
        if let Ok(parsed) = Expression::parse(&text) {
            let mut state = seed;
            let mut random = || { state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1); state };
            let is_taken = |value: &str| value.len().is_multiple_of(2);
            let mut context = Context::new(now_micros, &mut random, &is_taken);
            if let Ok(value) = parsed.evaluate(&person, &mut context) {
                prop_assert!(is_simple(&value), "{text} gave {value}");
            }
        }
    }
}

#[test]
fn most_expressions_put_together_here_are_well_formed_and_every_function_gives_a_value() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let bytes = prop::collection::vec(any::<u8>(), 60);
    let mut parsed = 0;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4_000 {
        let text = expression(&mut bytes.new_tree(&mut runner).unwrap().current().into_iter(), 3);
        let Ok(expression) = Expression::parse(&text) else { continue };
        parsed += 1;
        let (mut random, is_taken) = (|| 5, |_: &str| false);
        let person = person().new_tree(&mut runner).unwrap().current();
        let name = text.split('(').next().unwrap_or_default().to_owned();
        if expression.evaluate(&person, &mut Context::new(0, &mut random, &is_taken)).is_ok() {
            seen.insert(name);
        }
    }
    assert!(parsed > 1_000, "{parsed}");
    for function in ALL.iter().copied().flatten() {
        assert!(seen.contains(function.name), "{} never gave a value", function.name);
    }
}
