//! The reference's examples of date functions.

use serde_json::json;

use super::check;

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
        (r#"DateAdd("yyyy", 2, CDate([StatusHireDate]))"#, hired, json!("3/16/2014 7:00:00 AM")),
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
fn differences_between_dates_are_what_the_reference_says() {
    let hired = json!({"StatusHireDate": "2012-03-16-07:00"});
    check(&[
        (r#"DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))"#, json!({}), json!(13)),
        (r#"DateDiff("d", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-3449)),
        (r#"DateDiff("ww", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-493)),
        (r#"DateDiff("m", Now(), CDate([StatusHireDate]))"#, hired.clone(), json!(-113)),
        (r#"DateDiff("yyyy", Now(), CDate([StatusHireDate]))"#, hired, json!(-9)),
        (r#"DateDiff("d", CDate("2021-08-31+08:00"), CDate("2021-08-31+08:00"))"#, json!({}), json!(0)),
        (r#"DateDiff("h", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(24)),
        (r#"DateDiff("n", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(1440)),
        (r#"DateDiff("s", CDate("2021-08-24"), CDate("2021-08-25"))"#, json!({}), json!(86400)),
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
