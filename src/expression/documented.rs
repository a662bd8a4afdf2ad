//! The examples of Microsoft's "Reference for writing expressions for attribute mappings", each with its output.

mod dates;
mod effects;

use serde_json::{Map, Value, json};

use super::{Context, EvaluationError, Expression};

/// 2021-08-25T17:41:18Z, the present of the reference's examples for `DateDiff`.
const NOW_MICROS: i64 = 1_629_913_278_000_000;

fn person(attributes: &Value) -> Map<String, Value> {
    attributes.as_object().unwrap().clone()
}

pub(super) fn evaluate(expression: &str, attributes: &Value) -> Result<Value, EvaluationError> {
    let mut seed = 7_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed.rotate_left(32)
    };
    let is_taken = |value: &str| value.ends_with("@taken.example");
    let mut context = Context::new(NOW_MICROS, &mut random, &is_taken);
    Expression::parse(expression).unwrap().evaluate(&person(attributes), &mut context)
}

fn check(cases: &[(&str, Value, Value)]) {
    for (expression, attributes, expected) in cases {
        assert_eq!(evaluate(expression, attributes).as_ref(), Ok(expected), "{expression} of {attributes}");
    }
}

#[test]
fn coalesce_and_switch_give_what_the_reference_says() {
    let switch_state = r#"Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#;
    let prefix =
        r#"IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#;
    let levels = "Switch(IsPresent([directManager]),[directManager], IsPresent([skiplevelManager]),[skiplevelManager], \
                  IsPresent([director]),[director])";
    let status = r#"Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")"#;
    let empty_key = r#"Switch([statusFlag], "Default Value", "true", "1", "", "0")"#;
    check(&[
        (
            "Coalesce([mail],[userPrincipalName])",
            json!({"mail": null, "userPrincipalName": "John.Doe@contoso.com"}),
            json!("John.Doe@contoso.com"),
        ),
        ("Coalesce([mail],[otherMails])", json!({}), json!(null)),
        (r#"Coalesce([mail],"")"#, json!({}), json!("")),
        (switch_state, json!({"state": "QLD"}), json!("Australia/Brisbane")),
        (switch_state, json!({"state": "qld"}), json!("Australia/Sydney")),
        (status, json!({"statusFlag": "TRUE"}), json!("1")),
        (empty_key, json!({"statusFlag": ""}), json!("0")),
        (empty_key, json!({}), json!("0")),
        (empty_key, json!({"statusFlag": "x"}), json!("Default Value")),
        (r#"Switch([country],[country],"","Other")"#, json!({"country": "USA"}), json!("USA")),
        (
            r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#,
            json!({"accountEnabled": true}),
            json!("True"),
        ),
        (levels, json!({"directManager": "a", "skiplevelManager": "b"}), json!("b")),
        (prefix, json!({"prefix": "3444"}), json!("Prof.")),
        (prefix, json!({"prefix": "1"}), json!("")),
    ]);
}

#[test]
fn iif_and_conversions_give_what_the_reference_says() {
    let country = r#"IIF([country]="USA",[country],[department])"#;
    let both = r#"IIF([country]="USA",IIF([state]="CA","True","False"),"False")"#;
    let either = r#"IIF([country]="USA","True",IIF([state]="CA","True","False"))"#;
    check(&[
        (country, json!({"country": "USA", "department": "IT"}), json!("USA")),
        (country, json!({"country": "GB", "department": "IT"}), json!("IT")),
        (both, json!({"country": "USA", "state": "CA"}), json!("True")),
        (both, json!({"country": "USA", "state": "NV"}), json!("False")),
        (either, json!({"country": "GB", "state": "CA"}), json!("True")),
        (r#"IIF([country]="","Other",[country])"#, json!({}), json!(null)),
        ("CBool([attribute1] = [attribute2])", json!({"attribute1": "x", "attribute2": "x"}), json!(true)),
        ("CBool([attribute1])", json!({"attribute1": 0}), json!(false)),
        ("CStr([dn])", json!({"dn": "cn=Joe,dc=contoso,dc=com"}), json!("cn=Joe,dc=contoso,dc=com")),
        ("CStr([accountEnabled])", json!({"accountEnabled": true}), json!("True")),
        ("Redact([userPrincipalName])", json!({"userPrincipalName": "a@b"}), json!("a@b")),
        (r#"Redact("StringToBeRedacted")"#, json!({}), json!("StringToBeRedacted")),
    ]);
}

#[test]
fn asking_functions_give_booleans() {
    check(&[
        ("IsNull([displayName])", json!({}), json!(true)),
        ("IsNull([displayName])", json!({"displayName": ""}), json!(false)),
        ("IsNullOrEmpty([displayName])", json!({"displayName": ""}), json!(true)),
        ("IsNullOrEmpty([displayName])", json!({"displayName": "Ada"}), json!(false)),
        ("IsPresent([displayName])", json!({"displayName": "Ada"}), json!(true)),
        ("IsString([displayName])", json!({"displayName": 1}), json!(false)),
        (r#"Not("True")"#, json!({}), json!(false)),
        (r#"Not([accountEnabled])"#, json!({"accountEnabled": false}), json!(true)),
        (r#"Not("anything")"#, json!({}), json!(true)),
    ]);
}

#[test]
fn comparisons_know_numbers_dates_and_text_and_are_false_with_nothing_on_a_side() {
    check(&[
        (r#"[a] <> "x""#, json!({"a": "y"}), json!(true)),
        (r#"[a] <> "x""#, json!({}), json!(false)),
        (r#"[a] = "X""#, json!({"a": "x"}), json!(false)),
        ("[a] > 5", json!({"a": "10"}), json!(true)),
        (r#"[a] > "5""#, json!({"a": "10"}), json!(true)),
        (r#"[a] < "b""#, json!({"a": "a"}), json!(true)),
        ("[a] >= 5", json!({"a": 5}), json!(true)),
        ("[a] <= 4", json!({"a": 5}), json!(false)),
        ("[a] = 5.0", json!({"a": "5"}), json!(true)),
        (r#"[a] = "1""#, json!({"a": "01"}), json!(false)),
        (r#"[accountEnabled] = "true""#, json!({"accountEnabled": true}), json!(true)),
        (r#"CDate("2021-10-01") > CDate("2021-09-30")"#, json!({}), json!(true)),
    ]);
}

#[test]
fn functions_that_cut_and_join_text_give_what_the_reference_says() {
    check(&[
        (
            r#"Append([userPrincipalName], ".test")"#,
            json!({"userPrincipalName": "John.Doe@contoso.com"}),
            json!("John.Doe@contoso.com.test"),
        ),
        (r#"Append([mail], ".test")"#, json!({}), json!(null)),
        (r#"InStr("The quick brown fox","quick")"#, json!({}), json!(5)),
        (r#"InStr("repEated","e",3,vbBinaryCompare)"#, json!({}), json!(7)),
        (r#"InStr("repEated","e",3,vbTextCompare)"#, json!({}), json!(4)),
        (r#"InStr("repEated","x")"#, json!({}), json!(0)),
        (r#"Left("John Doe", 3)"#, json!({}), json!("Joh")),
        (r#"Left("John Doe", 0)"#, json!({}), json!("")),
        (r#"Left("John Doe", -1)"#, json!({}), json!("John Doe")),
        (r#"Left("John Doe", 99)"#, json!({}), json!("John Doe")),
        ("Left([mail], 3)", json!({}), json!("")),
        (
            "Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))",
            json!({"givenName": "John", "surname": "Doe"}),
            json!("JohDoe"),
        ),
        (
            r#"Join(", ", "", [surname], [givenName])"#,
            json!({"givenName": "John", "surname": "Doe"}),
            json!("Doe, John"),
        ),
        (r#"Join("; ", [otherMails], "c")"#, json!({"otherMails": ["a", "b"]}), json!("a; b; c")),
    ]);
}

#[test]
fn functions_that_rewrite_text_give_what_the_reference_says() {
    let upn = r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"))"#;
    check(&[
        ("NormalizeDiacritics([givenName])", json!({"givenName": "Zoë"}), json!("Zoe")),
        ("NormalizeDiacritics([givenName])", json!({"givenName": "Ǣṓø̄ßŁıÅ̄W\u{304}"}), json!("AEooessLiAW")),
        (r#"StripSpaces(" a b ")"#, json!({}), json!("ab")),
        (upn, json!({"PreferredFirstName": "John", "PreferredLastName": "Smith"}), json!("john.smith@contoso.com")),
        (r#"ToUpper("straße i")"#, json!({}), json!("STRAßE I")),
        (r#"ToUpper("istanbul", "tr-TR")"#, json!({}), json!("İSTANBUL")),
        ("PCase([firstName])", json!({"firstName": "PABLO GONSALVES (SECOND)"}), json!("Pablo Gonsalves (Second)")),
        (r#"PCase([lastName]," '-")"#, json!({"lastName": "PINTO-DE'SILVA"}), json!("Pinto-De'Silva")),
        (
            r#"PCase(Join(" ",[firstName],[lastName]))"#,
            json!({"firstName": "GREGORY", "lastName": "JAMES"}),
            json!("Gregory James"),
        ),
        (r#"Word("The quick brown fox",3," ")"#, json!({}), json!("brown")),
        (r#"Word("This,string!has&many separators",3,",!&#")"#, json!({}), json!("has")),
        (r#"Word("one",0," ")"#, json!({}), json!("")),
        (r#"Word("one",2," ")"#, json!({}), json!("")),
        (r#"Word([mail],1," ")"#, json!({}), json!("")),
        (r#""Company name: \"Contoso\" \\""#, json!({}), json!(r#"Company name: "Contoso" \"#)),
    ]);
}

#[test]
fn replace_gives_what_the_reference_says() {
    let phone =
        r#"Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )"#;
    let other =
        r#"Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber" , , [mobile], )"#;
    check(&[
        (
            r#"Replace([BusinessTitle],"Product Developer", , , "Software Engineer", , )"#,
            json!({"BusinessTitle": "Product Developer"}),
            json!("Software Engineer"),
        ),
        (
            r#"Replace([UserID],"<username>", , , , , "<username>@contoso.com")"#,
            json!({"UserID": "jsmith"}),
            json!("jsmith@contoso.com"),
        ),
        (phone, json!({"telephoneNumber": "+91 9998887777"}), json!("9998887777")),
        // The reference prints this without the plus sign, which its own pattern keeps.
        (
            r#"Replace([mobile], , "[()\\s-]+", , "", , )"#,
            json!({"mobile": "+1 (999) 888-7777"}),
            json!("+19998887777"),
        ),
        (other, json!({"telephoneNumber": "", "mobile": "+91 8887779999"}), json!("8887779999")),
        (other, json!({"telephoneNumber": "1", "mobile": "+91 8887779999"}), json!("1")),
    ]);
}

#[test]
fn replacing_groups_and_removing_matches_give_what_the_reference_says() {
    let street = r#"Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )"#;
    let login = r#"Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )"#;
    let object_id = r#"Join("", 1000, Replace(ConvertToUTF8Hex([objectId]), , "[a-zA-Z_]*", , "", , ))"#;
    check(&[
        (street, json!({"AddressLineData": "545 Tremont Street"}), json!("888 Tremont Street")),
        (login, json!({"userPrincipalName": "jsmith@contoso.com"}), json!("jsmith")),
        (r#"Replace([mailNickname], , "[a-zA-Z_]*", , "", , )"#, json!({"mailNickname": "john_doe72"}), json!("72")),
        (r#"Replace([mail], "@contoso.com", , ,"", ,)"#, json!({"mail": "john.doe@contoso.com"}), json!("john.doe")),
        // The reference prints digits that do not belong to the id it starts from.
        (
            object_id,
            json!({"objectId": "00aa00aa-bb11-cc22-dd33-44ee44ee44ee"}),
            json!("100030306161303061612626231312636332322646433332343465653434656534346565"),
        ),
        (r#"Replace("abc", , "(b)", , "$1$1$$${1}$9$&", , )"#, json!({}), json!("abb$b$9bc")),
        (r#"Replace("abc", , ".*", , "x", , )"#, json!({}), json!("xx")),
        (r#"Replace([mail], "a", , , "b", , )"#, json!({}), json!(null)),
    ]);
}

#[test]
fn lists_and_encodings_give_what_the_reference_says() {
    check(&[
        ("BitAnd(&HF, &HF7)", json!({}), json!(7)),
        (r#"ConvertToBase64("Hello world!")"#, json!({}), json!("SABlAGwAbABvACAAdwBvAHIAbABkACEA")),
        (r#"ConvertToBase64("Hi")"#, json!({}), json!("SABpAA==")),
        (r#"ConvertToUTF8Hex("Hello world!")"#, json!({}), json!("48656C6C6F20776F726C6421")),
        ("Count([proxyAddresses])", json!({"proxyAddresses": ["a", "b"]}), json!(2)),
        ("Count([proxyAddresses])", json!({}), json!(0)),
        ("Item([proxyAddresses], 1)", json!({"proxyAddresses": ["a", "b"]}), json!("a")),
        ("Item([proxyAddresses], 3)", json!({"proxyAddresses": ["a", "b"]}), json!(null)),
        ("RemoveDuplicates([proxyAddresses])", json!({"proxyAddresses": ["a", "b", "a"]}), json!(["a", "b"])),
        (
            r#"Split([extensionAttribute5], ",")"#,
            json!({"extensionAttribute5": "PermissionSetOne, PermissionSetTwo"}),
            json!(["PermissionSetOne", "PermissionSetTwo"]),
        ),
    ]);
}
