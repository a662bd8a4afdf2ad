//! What each kind of value becomes once it is checked.

use secrecy::ExposeSecret as _;

use super::super::database::refused_without_tls;
use super::super::*;
use super::{file, load, problem_with};

#[test]
fn plain_http_is_for_this_machine_only() {
    for good in ["http://localhost:8080", "http://127.0.0.1:8080/", "http://[::1]", "https://rollcall.example"] {
        load(&[("ROLLCALL_PUBLIC_URL", good), ("ROLLCALL_GRAPH_URL", good), ("ROLLCALL_LOGIN_URL", good)])
            .unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in ["http://10.0.0.1", "http://localhost.example", "https://rollcall.example/?a=b", "rollcall.example"] {
        assert!(load(&[("ROLLCALL_PUBLIC_URL", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn a_cloud_picks_both_addresses_and_each_can_be_overruled() {
    let settings = load(&[("ROLLCALL_CLOUD", "usgovdod")]).unwrap();
    assert_eq!(settings.cloud.graph_url.as_str(), "https://dod-graph.microsoft.us");
    assert_eq!(settings.cloud.login_url.as_str(), "https://login.microsoftonline.us");
    let china = [("ROLLCALL_CLOUD", "china"), ("ROLLCALL_GRAPH_URL", "http://127.0.0.1:9000/")];
    let settings = load(&china).unwrap();
    assert_eq!(settings.cloud.graph_url.as_str(), "http://127.0.0.1:9000");
    assert_eq!(settings.cloud.login_url.as_str(), "https://login.chinacloudapi.cn");
}

#[test]
fn a_database_is_sqlite_or_postgresql_and_nothing_else() {
    let database = |url| load(&[("ROLLCALL_DATABASE_URL", url)]).map(|settings| settings.database);
    let path = |url| match database(url).unwrap() {
        DatabaseSettings::Sqlite { path } => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(path("sqlite://data/rollcall.db"), Path::new("data/rollcall.db"));
    assert_eq!(path("sqlite:///var/lib/rollcall.db"), Path::new("/var/lib/rollcall.db"));
    let postgresql = database("postgres://ada:pw@db:5432/rollcall").unwrap();
    assert!(matches!(postgresql, DatabaseSettings::Postgresql { sslmode: SslMode::Prefer, .. }));
    for bad in ["rollcall.db", "sqlite://", "sqlite://:memory:", "sqlite://x?mode=ro", "mysql://db", "postgresql://db"]
    {
        let error = database(bad).unwrap_err();
        assert!(error.to_string().contains("accepted: sqlite://PATH or postgres://"), "{error}");
    }
}

#[test]
fn an_sslmode_that_needs_tls_is_refused_by_a_build_without_it() {
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert!(refused_without_tls(mode, false).is_some() && refused_without_tls(mode, true).is_none());
    }
    for mode in [SslMode::Disable, SslMode::Allow, SslMode::Prefer] {
        assert!(refused_without_tls(mode, false).is_none());
    }
    for query in ["sslmode=require", "sslmode=verify-full&sslrootcert=x", "ssl=true"] {
        let result = load(&[("ROLLCALL_DATABASE_URL", &format!("postgres://db/rollcall?{query}"))]);
        if cfg!(feature = "postgres-tls") {
            assert!(result.is_ok());
        } else {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("this build has no TLS to PostgreSQL"), "{error}");
            assert!(error.contains("build with `--features postgres-tls`"), "{error}");
        }
    }
}

#[test]
fn the_two_listeners_cannot_share_a_port() {
    let problem = problem_with("ROLLCALL_ADMIN_LISTEN", "127.0.0.1:8080");
    assert_eq!(problem.found, "port 8080 for both listeners");
    load(&[("ROLLCALL_PUBLIC_LISTEN", "127.0.0.1:0"), ("ROLLCALL_ADMIN_LISTEN", "127.0.0.1:0")]).unwrap();
}

#[test]
fn a_credential_belongs_to_a_client_id_and_there_is_one_of_them() {
    assert_eq!(problem_with("ROLLCALL_CLIENT_SECRET", "x").key, "client_id");
    let token = file("token");
    let path = token.path().to_str().unwrap();
    let client = [("ROLLCALL_CLIENT_ID", "app"), ("ROLLCALL_FEDERATED_TOKEN_FILE", path)];
    let credential = load(&client).unwrap().client.unwrap().credential;
    assert!(matches!(credential, Some(ClientCredential::FederatedTokenFile(found)) if found == token.path()));
    let two = [client[0], client[1], ("ROLLCALL_CLIENT_SECRET", "x")];
    let error = load(&two).unwrap_err();
    assert_eq!(error.problems[0].found, "more than one credential: client_secret, federated_token_file");
    let alone = load(&[("ROLLCALL_CLIENT_ID", "app")]).unwrap();
    assert_eq!(alone.warnings.len(), 1);
    let certificate = [client[0], ("ROLLCALL_CLIENT_CERTIFICATE_FILE", path)];
    assert!(load(&certificate).unwrap_err().to_string().contains("a file without \"-----BEGIN CERTIFICATE-----\""));
}

#[test]
fn a_mail_server_is_read_with_its_port_and_decoded_login() {
    let from = ("ROLLCALL_MAIL_FROM", "rollcall@example.com");
    let mail = |url| load(&[("ROLLCALL_SMTP_URL", url), from]).unwrap();
    let starttls = mail("smtp+starttls://ada%40example.com:p%25w@mail.example").mail.unwrap();
    assert_eq!((starttls.security, starttls.port), (SmtpSecurity::StartTls, 587));
    let (name, password) = starttls.login.unwrap();
    assert_eq!((name.as_str(), password.expose_secret()), ("ada@example.com", "p%w"));
    assert_eq!(mail("smtps://mail.example").mail.unwrap().port, 465);
    assert_eq!(mail("smtp://mail.example:2525").mail.unwrap().port, 2525);
    assert_eq!(mail("smtp://ada:pw@mail.example").warnings.len(), 1);
    assert!(mail("smtp://ada:pw@localhost").warnings.is_empty());
    assert_eq!(problem_with("ROLLCALL_SMTP_URL", "smtps://mail.example").key, "mail_from");
}

#[test]
fn single_sign_on_needs_issuer_and_client_id() {
    assert_eq!(problem_with("ROLLCALL_OIDC_ISSUER", "https://login.example").key, "oidc_client_id");
    let variables = [
        ("ROLLCALL_OIDC_ISSUER", "http://localhost:9000"),
        ("ROLLCALL_OIDC_CLIENT_ID", "console"),
        ("ROLLCALL_OIDC_ADMINS", "Ada@example.com, grace@example.com"),
    ];
    let oidc = load(&variables).unwrap().oidc.unwrap();
    assert_eq!(oidc.admins, ["ada@example.com", "grace@example.com"]);
    assert_eq!(oidc.role_claim, "roles");
    let plain = load(&[("ROLLCALL_OIDC_ISSUER", "http://login.example"), variables[1]]).unwrap_err();
    assert_eq!(plain.problems[0].key, "oidc_issuer");
}

#[test]
fn an_authority_file_must_be_there_and_hold_certificates() {
    let problem = problem_with("ROLLCALL_CA_FILE", "/nonexistent/ca.pem");
    assert!(problem.found.contains("\"/nonexistent/ca.pem\", which cannot be read"), "{problem}");
    let pem = file("-----BEGIN CERTIFICATE-----\n");
    assert!(load(&[("ROLLCALL_CA_FILE", pem.path().to_str().unwrap())]).unwrap().ca_file.is_some());
}

#[test]
fn an_endpoint_for_traces_is_taken_with_a_warning() {
    let settings = load(&[("ROLLCALL_OTLP_ENDPOINT", "http://collector:4318")]).unwrap();
    assert_eq!(settings.warnings, ["ROLLCALL_OTLP_ENDPOINT is given, but this build sends no traces"]);
}
