//! What an operator sees of the settings, right and wrong.

mod typed;

use std::io::Write as _;

use secrecy::ExposeSecret as _;
use tempfile::NamedTempFile;

use super::*;

const KEY_OF_ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn environment(variables: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect::<Vec<_>>().into_iter()
}

fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::load(None, environment(variables))
}

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

/// The one problem of a setting given by the environment.
fn problem_with(name: &str, value: &str) -> Problem {
    let error = load(&[(name, value)]).expect_err(&format!("{name}={value} must be refused"));
    assert_eq!(error.problems.len(), 1, "{error}");
    error.problems.into_iter().next().unwrap()
}

#[test]
fn without_anything_given_the_defaults_hold() {
    let settings = load(&[]).unwrap();
    assert!(matches!(&settings.database, DatabaseSettings::Sqlite { path } if path == Path::new("rollcall.db")));
    assert_eq!(settings.public_listen.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.cloud.graph_url.as_str(), "https://graph.microsoft.com");
    assert_eq!(settings.cloud.login_url.as_str(), "https://login.microsoftonline.com");
    assert_eq!(settings.delta_poll, Duration::from_secs(300));
    assert_eq!(settings.subscription_lifetime, Duration::from_secs(168 * 3600));
    assert_eq!(settings.recheck, [Duration::from_secs(60), Duration::from_secs(300)]);
    assert_eq!(settings.admin_url_for_commands(), "http://127.0.0.1:8081");
    assert!(!settings.allow_private_targets);
    assert!(settings.oidc.is_none() && settings.mail.is_none() && settings.client.is_none());
    assert!(settings.warnings.is_empty());
}

#[test]
fn every_wrong_value_names_key_origin_value_and_what_is_accepted() {
    for (name, value, accepted) in [
        ("ROLLCALL_PUBLIC_URL", "http://rollcall.example", "https address"),
        ("ROLLCALL_PUBLIC_LISTEN", "8080", "0.0.0.0:8080"),
        ("ROLLCALL_ADMIN_LISTEN", "localhost", "an address and a port"),
        ("ROLLCALL_CLOUD", "germany", "global, usgov, usgovdod, china"),
        ("ROLLCALL_GRAPH_URL", "https://graph.microsoft.com/v1.0", "without /v1.0"),
        ("ROLLCALL_LOGIN_URL", "http://login.example", "https address"),
        ("ROLLCALL_CLIENT_ID", "two words", "without spaces"),
        ("ROLLCALL_DELTA_POLL_SECONDS", "0", "seconds from 1 to 86400"),
        ("ROLLCALL_DELTA_POLL_SECONDS", "86401", "seconds from 1 to 86400"),
        ("ROLLCALL_DELTA_POLL_SECONDS", "5m", "seconds from 1 to 86400"),
        ("ROLLCALL_SUBSCRIPTION_LIFETIME_HOURS", "696", "hours from 1 to 695"),
        ("ROLLCALL_RECHECK_SECONDS", "300,60", "up to 4 rising"),
        ("ROLLCALL_RECHECK_SECONDS", "0,60", "from 1"),
        ("ROLLCALL_RECHECK_SECONDS", "1,2,3,4,5", "up to 4"),
        ("ROLLCALL_ALLOW_PRIVATE_TARGETS", "yes", "true or false"),
        ("ROLLCALL_MAIL_FROM", "nobody", "a mail address"),
        ("ROLLCALL_LOG", "loud", "off, error, warn, info, debug or trace"),
        ("ROLLCALL_LOG_FORMAT", "xml", "text, json, auto"),
        ("ROLLCALL_OTLP_ENDPOINT", "grpc://collector", "http or https"),
        ("ROLLCALL_ADMIN_URL", "ftp://rollcall", "http or https"),
    ] {
        let problem = problem_with(name, value);
        let key = name.strip_prefix("ROLLCALL_").unwrap().to_lowercase();
        assert_eq!(problem.key, key);
        assert_eq!(problem.origin.to_string(), format!("environment variable {name}"));
        assert_eq!(problem.found, format!("{value:?}"));
        assert!(problem.accepted.contains(accepted), "{problem}");
    }
}

#[test]
fn a_problem_reads_as_one_line() {
    let error = load(&[("ROLLCALL_DELTA_POLL_SECONDS", "0")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a setting cannot be used: delta_poll_seconds (environment variable ROLLCALL_DELTA_POLL_SECONDS): \
         found \"0\"; accepted: a whole number of seconds from 1 to 86400"
    );
    let variables = [("ROLLCALL_PUBLIC_URL", "https://rollcall.example")];
    let error = ServeSettings::load(None, environment(&variables)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a setting cannot be used: master_key (default, ROLLCALL_MASTER_KEY is not given): found nothing, although \
         serve requires it; accepted: 32 bytes in base64, as `openssl rand -base64 32` prints them"
    );
}

#[test]
fn all_problems_are_told_at_once_with_what_serve_misses() {
    let file = file("cloud = \"mars\"\nlog_format = 3\n");
    let variables = [("ROLLCALL_DELTA_POLL_SECONDS", "x"), ("ROLLCALL_MASTER_KEY", "AAAA")];
    let error = ServeSettings::load(Some(file.path()), environment(&variables)).unwrap_err();
    let mut keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["cloud", "delta_poll_seconds", "log_format", "master_key", "public_url"]);
    assert!(error.to_string().contains(&format!("{} key cloud", file.path().display())), "{error}");
    assert_eq!(error.to_string().lines().count(), 6);
}

#[test]
fn serve_requires_a_public_address_and_a_master_key_and_other_commands_do_not() {
    let error = load(&[]).unwrap().for_serve().unwrap_err();
    let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["public_url", "master_key"]);
    let variables = [("ROLLCALL_PUBLIC_URL", "https://rollcall.example/sync/"), ("ROLLCALL_MASTER_KEY", KEY_OF_ZEROS)];
    let serve = ServeSettings::load(None, environment(&variables)).unwrap();
    assert_eq!(serve.public_url.as_str(), "https://rollcall.example/sync");
    assert_eq!(serve.public_url.with_path("/graph/notifications"), "https://rollcall.example/sync/graph/notifications");
}

#[test]
fn the_environment_lies_above_the_file() {
    let file = file("delta_poll_seconds = 60\nrecheck_seconds = [1, 5]\nallow_private_targets = true\n");
    let config = file.path().to_str().unwrap();
    let settings = load(&[("ROLLCALL_CONFIG", config), ("ROLLCALL_DELTA_POLL_SECONDS", "7")]).unwrap();
    assert_eq!(settings.delta_poll, Duration::from_secs(7));
    assert_eq!(settings.recheck, [Duration::from_secs(1), Duration::from_secs(5)]);
    assert!(settings.allow_private_targets);
}

#[test]
fn an_empty_variable_counts_as_not_given_except_for_second_looks() {
    let file = file("delta_poll_seconds = 60\n");
    let variables = environment(&[("ROLLCALL_DELTA_POLL_SECONDS", ""), ("ROLLCALL_RECHECK_SECONDS", "")]);
    let settings = Settings::load(Some(file.path()), variables).unwrap();
    assert_eq!(settings.delta_poll, Duration::from_secs(60));
    assert!(settings.recheck.is_empty());
}

#[test]
fn a_missing_or_malformed_file_is_a_problem_that_repeats_nothing_of_it() {
    let missing = Settings::load(Some(Path::new("/nonexistent/rollcall.toml")), environment(&[])).unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/rollcall.toml"), "{missing}");
    let malformed = file("cloud = \"global\"\nadmin_token = \"hunter2hunter2\n");
    let error = Settings::load(Some(malformed.path()), environment(&[])).unwrap_err();
    assert!(error.to_string().contains("no valid TOML in line 2"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn an_unknown_key_is_refused_and_an_unknown_variable_is_a_warning() {
    let file = file("databse_url = \"sqlite://x.db\"\n");
    let error = Settings::load(Some(file.path()), environment(&[])).unwrap_err();
    assert!(error.to_string().contains("found an unknown key; accepted: a known key; the nearest one is database_url"));
    let settings = load(&[("ROLLCALL_DELTA_POL_SECONDS", "1"), ("HOME", "/root")]).unwrap();
    let expected = "ROLLCALL_DELTA_POL_SECONDS is no setting and is ignored; \
                    the nearest one is ROLLCALL_DELTA_POLL_SECONDS";
    assert_eq!(settings.warnings, [expected]);
}

#[test]
fn a_secret_may_come_from_a_file_of_its_own() {
    let secret = file(&format!("{}\n", "t".repeat(32)));
    let path = secret.path().to_str().unwrap();
    let settings = load(&[("ROLLCALL_ADMIN_TOKEN_FILE", path)]).unwrap();
    assert_eq!(settings.admin_token.unwrap().expose_secret(), "t".repeat(32));

    let both = load(&[("ROLLCALL_ADMIN_TOKEN_FILE", path), ("ROLLCALL_ADMIN_TOKEN", &"u".repeat(32))]).unwrap_err();
    assert!(both.to_string().contains("not both"), "{both}");

    let gone = load(&[("ROLLCALL_ADMIN_TOKEN_FILE", "/nonexistent/token")]).unwrap_err();
    let origin = "file /nonexistent/token named by environment variable ROLLCALL_ADMIN_TOKEN_FILE";
    assert_eq!(gone.problems[0].origin.to_string(), origin);
    let empty = file("\n");
    assert!(load(&[("ROLLCALL_ADMIN_TOKEN_FILE", empty.path().to_str().unwrap())]).is_err());
}

#[test]
fn a_refused_secret_is_described_and_never_repeated() {
    for (name, value, found) in [
        ("ROLLCALL_MASTER_KEY", "aHVudGVyMg==", "a value of 7 bytes after decoding"),
        ("ROLLCALL_MASTER_KEY_PREVIOUS", "hunter2!", "a value that is not base64"),
        ("ROLLCALL_ADMIN_TOKEN", "hunter2", "a value of 7 characters"),
        ("ROLLCALL_ADMIN_TOKEN", "hunter2 hunter2 hunter2 hunter2 hunter2", "a value with other characters"),
        ("ROLLCALL_DATABASE_URL", "mysql://ada:hunter2@db/rollcall", "the scheme \"mysql\""),
        ("ROLLCALL_DATABASE_URL", "postgres://ada:hunter2@db/x?sslmode=maybe", "an sslmode other than"),
        ("ROLLCALL_SMTP_URL", "http://ada:hunter2@mail", "the scheme \"http\""),
        ("ROLLCALL_PUBLIC_URL", "https://ada:hunter2@rollcall.example", "an address with a user name"),
        ("ROLLCALL_OTLP_ENDPOINT", "https://ada:hunter2@traces.example", "an address with a user name"),
    ] {
        let problem = problem_with(name, value);
        assert!(problem.found.starts_with(found), "{problem}");
        for shown in [problem.to_string(), format!("{problem:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVy"), "{shown}");
        }
    }
}

#[test]
fn settings_are_printed_without_any_secret() {
    let token = format!("hunter2{}", "x".repeat(32));
    let variables = [
        ("ROLLCALL_PUBLIC_URL", "https://rollcall.example"),
        ("ROLLCALL_DATABASE_URL", "postgres://ada:hunter2@db/rollcall"),
        ("ROLLCALL_MASTER_KEY", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="),
        ("ROLLCALL_MASTER_KEY_PREVIOUS", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="),
        ("ROLLCALL_ADMIN_TOKEN", &token),
        ("ROLLCALL_TOKEN", &token),
        ("ROLLCALL_CLIENT_ID", "rollcall"),
        ("ROLLCALL_CLIENT_SECRET", "hunter2"),
        ("ROLLCALL_OIDC_ISSUER", "https://login.example/"),
        ("ROLLCALL_OIDC_CLIENT_ID", "console"),
        ("ROLLCALL_OIDC_CLIENT_SECRET", "hunter2"),
        ("ROLLCALL_SMTP_URL", "smtps://ada:hunter2@mail.example"),
        ("ROLLCALL_MAIL_FROM", "Rollcall <rollcall@example.com>"),
    ];
    let serve = ServeSettings::load(None, environment(&variables)).unwrap();
    let shown = format!("{serve:?} {serve:#?}");
    for secret in ["hunter2", "aHVudGVy", "104, 117, 110"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(serve.settings.oidc.unwrap().issuer, "https://login.example/");
}
