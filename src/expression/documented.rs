//! The examples of Microsoft's "Reference for writing expressions for attribute mappings", each with its output.

use serde_json::{Map, Value, json};

use super::{Context, EvaluationError, Expression, ParseError};

/// 2021-08-25T17:41:18Z, the present of the reference's examples for `DateDiff`.
const NOW_MICROS: i64 = 1_629_913_278_000_000;

fn person(attributes: &Value) -> Map<String, Value> {
    attributes.as_object().unwrap().clone()
}

fn evaluate(expression: &str, attributes: &Value) -> Result<Value, EvaluationError> {
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

fn refusal(expression: &str) -> ParseError {
    Expression::parse(expression).unwrap_err()
}

#[test]
fn choosing_functions_give_what_the_reference_says() {
    let switch_state = r#"Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#;
    let prefix =
        r#"IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#;
    let levels = "Switch(IsPresent([directManager]),[directManager], IsPresent([skiplevelManager]),[skiplevelManager], \
                  IsPresent([director]),[director])";
    let status = r#"Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")"#;
    let country = r#"IIF([country]="USA",[country],[department])"#;
    let both = r#"IIF([country]="USA",IIF([state]="CA","True","False"),"False")"#;
    let either = r#"IIF([country]="USA","True",IIF([state]="CA","True","False"))"#;
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
fn text_functions_give_what_the_reference_says() {
    let upn = r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"))"#;
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
    let street = r#"Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )"#;
    let login = r#"Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )"#;
    let object_id = r#"Join("", 1000, Replace(ConvertToUTF8Hex([objectId]), , "[a-zA-Z_]*", , "", , ))"#;
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
        (street, json!({"AddressLineData": "545 Tremont Street"}), json!("888 Tremont Street")),
        (login, json!({"userPrincipalName": "jsmith@contoso.com"}), json!("jsmith")),
        (other, json!({"telephoneNumber": "", "mobile": "+91 8887779999"}), json!("8887779999")),
        (other, json!({"telephoneNumber": "1", "mobile": "+91 8887779999"}), json!("1")),
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

#[test]
fn dates_give_what_the_reference_says() {
    let hired = json!({"StatusHireDate": "2012-03-16-07:00"});
    let contract = r#"NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))"#;
    let end =
        r#"NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))"#;
    check(&[
        ("CDate([StatusHireDate])", json!({"StatusHireDate": "2020-03-16-07:00"}), json!("3/16/2020 7:00:00 AM")),
        (r#"CDate("2021-06-30+08:00")"#, json!({}), json!("6/29/2021 4:00:00 PM")),
        (r#"CDate("2009-06-15T01:45:30-07:00")"#, json!({}), json!("6/15/2009 8:45:30 AM")),
        (r#"DateAdd("d", 7, CDate([StatusHireDate]))"#, hired.clone(), json!("3/23/2012 7:00:00 AM")),
        (r#"DateAdd("d", -10, CDate([StatusHireDate]))"#, hired.clone(), json!("3/6/2012 7:00:00 AM")),
        (r#"DateAdd("ww", 2, CDate([StatusHireDate]))"#, hired.clone(), json!("3/30/2012 7:00:00 AM")),
        (r#"DateAdd("m", 10, CDate([StatusHireDate]))"#, hired.clone(), json!("1/16/2013 7:00:00 AM")),
        (r#"DateAdd("yyyy", 2, CDate([StatusHireDate]))"#, hired.clone(), json!("3/16/2014 7:00:00 AM")),
        (r#"DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))"#, json!({}), json!(13)),
        (r#"DateDiff("d", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-3449)),
        (r#"DateDiff("ww", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-493)),
        (r#"DateDiff("m", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-113)),
        (r#"DateDiff("yyyy", Now(), CDate([StatusHireDate]))"#, hired, json!(-9)),
        (r#"DateDiff("d", CDate("2021-08-31+08:00"), CDate("2021-08-31+08:00"))"#, json!({}), json!(0)),
        (r#"DateDiff("h", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(24)),
        (r#"DateDiff("n", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(1440)),
        (r#"DateDiff("s", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(86400)),
        (
            "DateFromNum([lastLogonTimestamp])",
            json!({"lastLogonTimestamp": "129699324000000000"}),
            json!("1/1/2012 11:00:00 PM"),
        ),
        ("DateFromNum(129699324000000000)", json!({}), json!("1/1/2012 11:00:00 PM")),
        ("Now()", json!({}), json!("8/25/2021 5:41:18 PM")),
        (
            r#"FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            json!({"extensionAttribute1": "20150123105347.1Z"}),
            json!("2015-01-23"),
        ),
        (contract, json!({"ContractEndDate": "2020-12-31-08:00"}), json!(132_539_615_990_000_000_i64)),
        (end, json!({"endDate": "12/31/2020 08:00:00 AM"}), json!(132_539_615_990_000_000_i64)),
    ]);
}

#[test]
fn an_account_is_active_from_five_days_before_the_hire_date() {
    let expression = r#"Switch([Active], ,
        "1", IIF(DateDiff("d", Now(), CDate([StatusHireDate])) > 5, "False", "True"),
        "0", "False")"#;
    check(&[
        (expression, json!({"Active": "1", "StatusHireDate": "2021-08-29"}), json!("True")),
        (expression, json!({"Active": "1", "StatusHireDate": "2021-09-29"}), json!("False")),
        (expression, json!({"Active": "0", "StatusHireDate": "2021-08-29"}), json!("False")),
        (expression, json!({"Active": "2"}), json!(null)),
    ]);
}

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

#[test]
fn what_cannot_be_read_is_refused_in_a_sentence_with_its_place() {
    for (expression, at, message) in [
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
        (
            "ToLower(\"\\d\")",
            10,
            "A backslash may only stand before \" or another backslash; write \\\\ for a backslash.",
        ),
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
        (
            "Replace([a], , \"\\\\w{9999}\", , \"\", , )",
            16,
            "This pattern is too large; use smaller repetition counts.",
        ),
    ] {
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
