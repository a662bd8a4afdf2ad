//! Who may import whom: downwards only, and the large libraries only where they belong.

use crate::paths::{Path, paths};
use crate::scanner::production_code;
use crate::tree::{Exception, SourceFile, assert_none, production_files, without_exceptions};

/// Every module of the crate and its row. A module imports from lower rows; never from its own or a higher one.
///
/// The modules of row 5 meet in tables only; what they share, the one way every change takes, lies below them.
pub const MODULES: &[(&str, u8)] = &[
    ("clock", 0),
    ("directory", 1),
    ("expression", 1),
    ("scim", 1),
    ("secrets", 1),
    ("settings", 1),
    ("telemetry", 1),
    ("store", 2),
    ("graph", 2),
    ("queue", 3),
    ("provisioning", 4),
    ("intake", 5),
    ("subscriptions", 5),
    ("sync", 5),
    ("reconcile", 5),
    ("delivery", 5),
    ("http", 6),
    ("engine", 7),
    ("startup", 8),
    ("cli", 9),
    ("demo", 9),
    ("main", 10),
    ("lib", 11),
];

/// Shares nothing with the rest: a mistake made in both would hide.
const SIMULATOR: &str = "simulator";

/// The simulator's users outside the tests: the demonstration, and the command `simulate`.
const SIMULATOR_USERS: &[&str] = &["demo", "cli", "main", "lib"];

/// Modules without clock, network or database: the libraries they may use, and the one name of the crate.
const PURE: &[&str] = &["directory", "expression", "scim"];
const PURE_LIBRARIES: &[&str] = &["regex", "serde", "serde_json", "thiserror", "uuid"];
const PURE_FROM_CLOCK: &str = "Timestamp";

/// Imports within one row that are allowed: from, to, and why.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("directory", "expression", "mapping rows and the scoping filter are expressions"),
    ("secrets", "directory", "a sealed secret is bound to its connection's id"),
    ("settings", "secrets", "a master key is checked and wrapped where it is read"),
    ("telemetry", "settings", "how to log is a setting"),
    ("demo", "cli", "the demonstration serves and asks the admin API as the commands do"),
];

/// Libraries that stay in one place: their names, and the modules that may use them.
const CONFINED: &[(&[&str], &[&str])] = &[
    (&["diesel", "diesel_migrations", "libsqlite3_sys", "pq_sys"], &["store"]),
    (&["reqwest"], &["graph", "delivery", "cli", SIMULATOR]),
    (&["actix_web", "utoipa_actix_web"], &["http", "startup", SIMULATOR]),
];

/// `src/file.rs: path::of::the::import`, and why it is there all the same.
const IMPORTS_ALL_THE_SAME: &[Exception] =
    &[("src/directory/views.rs: utoipa::ToSchema", "derived descriptions of the views for OpenAPI; no behaviour")];

#[test]
fn modules_import_downwards_only_and_libraries_stay_where_they_belong() {
    let libraries = libraries(include_str!("../../Cargo.toml"));
    let files = production_files();
    let found = files.iter().flat_map(|file| violations(file, &libraries)).collect();
    assert_none(
        "Imports go downwards, and libraries stay in their place:",
        &without_exceptions(found, IMPORTS_ALL_THE_SAME),
    );
}

/// The names of the dependencies as code writes them.
fn libraries(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let entries = lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
    let names: Vec<String> =
        entries.filter_map(|line| Some(line.split_once('=')?.0.trim().replace('-', "_"))).collect();
    assert!(names.iter().any(|name| name == "serde"), "the manifest's dependencies are not where they are looked for");
    names
}

fn violations(file: &SourceFile, libraries: &[String]) -> Vec<(String, String)> {
    let module = file.module();
    let Some(row) = row(module[0]).or((module[0] == SIMULATOR).then_some(0)) else {
        let reason = "no row is known for this module; add it to MODULES in tests/tidy/imports.rs";
        return vec![(file.path.clone(), format!("{}: {reason}", file.path))];
    };
    let mut found = Vec::new();
    for path in paths(&production_code(&file.text)) {
        let reason = match within_crate(&module, &path) {
            Some(within) if within.is_empty() => None,
            Some(within) => crate_violation(module[0], row, &within),
            None => library_violation(module[0], &path.segments[0], libraries),
        };
        let written = path.segments.join("::");
        found.extend(reason.map(|why| {
            (format!("{}: {written}", file.path), format!("{}:{}: {written}: {why}", file.path, path.line))
        }));
    }
    found
}

fn row(module: &str) -> Option<u8> {
    MODULES.iter().find(|(name, _)| *name == module).map(|(_, row)| *row)
}

/// The path from the root of the crate; empty when it stays inside the file's own module, `None` when it leaves the crate.
fn within_crate(module: &[&str], path: &Path) -> Option<Vec<String>> {
    let segments = &path.segments;
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    match segments[0].as_str() {
        "crate" | "rollcall" => Some(segments[1..].to_vec()),
        "super" if ups >= module.len() => Some(segments[ups..].to_vec()),
        "self" | "Self" | "super" => Some(Vec::new()),
        _ => None,
    }
}

fn crate_violation(from: &str, row_from: u8, within: &[String]) -> Option<String> {
    let to = within[0].as_str();
    if to == from {
        return None;
    }
    if from == SIMULATOR {
        return (row(to).is_some() || to == "*").then(|| "the simulator imports nothing of the rest".to_owned());
    }
    if to == SIMULATOR {
        let allowed = SIMULATOR_USERS.contains(&from);
        return (!allowed).then(|| "only the demonstration, the command line and tests use the simulator".to_owned());
    }
    if PURE.contains(&from) && within.get(1).is_some_and(|name| to == "clock" && name == PURE_FROM_CLOCK) {
        return None;
    }
    let sideways = SIDEWAYS.iter().any(|(a, b, _)| (*a, *b) == (from, to));
    if PURE.contains(&from) && !(sideways && PURE.contains(&to)) {
        return Some(format!("{from} is pure: of the crate it imports clock::{PURE_FROM_CLOCK} only"));
    }
    match row(to) {
        Some(row_to) if row_to < row_from || sideways => None,
        Some(row_to) => Some(format!("{from} is in row {row_from}, {to} in row {row_to}: imports go downwards only")),
        None if to == "*" => Some("import modules by name".to_owned()),
        None => None,
    }
}

fn library_violation(from: &str, library: &str, libraries: &[String]) -> Option<String> {
    if !libraries.iter().any(|name| name == library) {
        return None;
    }
    if PURE.contains(&from) && !PURE_LIBRARIES.contains(&library) {
        return Some(format!("{from} is pure: of the libraries it uses {} only", PURE_LIBRARIES.join(", ")));
    }
    let (_, homes) = CONFINED.iter().find(|(names, _)| names.contains(&library))?;
    (!homes.contains(&from)).then(|| format!("only {} may use it", homes.join(", ")))
}

/// What the law says about one file with this text, without the places.
fn judge(path: &str, text: &str) -> Vec<String> {
    let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
    let libraries = libraries(include_str!("../../Cargo.toml"));
    violations(&file, &libraries).into_iter().map(|(subject, _)| subject).collect()
}

#[test]
fn an_import_upwards_is_found_however_it_is_written() {
    assert_eq!(judge("src/queue/fold.rs", "use crate::sync::run_once;"), ["src/queue/fold.rs: crate::sync::run_once"]);
    assert_eq!(judge("src/queue/fold.rs", "use crate::{store::Db, sync};"), ["src/queue/fold.rs: crate::sync"]);
    assert_eq!(judge("src/queue/fold.rs", "fn a() { super::super::sync::run_once() }").len(), 1);
    assert_eq!(judge("src/queue.rs", "use super::sync;").len(), 1);
    assert_eq!(judge("src/queue/fold.rs", "fn a(x: Vec<crate::http::Api>) {}").len(), 1);
    assert_eq!(judge("src/queue/fold.rs", "use crate::*;").len(), 1);
    assert_eq!(judge("src/queue/fold.rs", "pub(crate) use crate::\n    sync::{\n    a as b,\n};").len(), 1);
}

#[test]
fn imports_downwards_and_within_a_module_pass() {
    let text = "use crate::store::{Db, apply};\nuse super::Lease;\nuse super::super::directory;\nuse crate::queue::lease;\npub(in crate::queue) fn a() {}";
    assert_eq!(judge("src/queue/fold.rs", text), [""; 0]);
}

#[test]
fn modules_of_one_row_do_not_import_one_another() {
    assert_eq!(judge("src/sync/mod.rs", "use crate::intake::parse;").len(), 1);
    assert_eq!(judge("src/store/db.rs", "use crate::graph::User;").len(), 1);
    assert_eq!(judge("src/settings.rs", "use crate::directory::ConnectionId;").len(), 1);
    assert_eq!(judge("src/secrets/mod.rs", "use crate::directory::ConnectionId;"), [""; 0]);
}

#[test]
fn pure_modules_use_neither_clock_nor_runtime_nor_wire() {
    for text in [
        "use tokio::spawn;",
        "use chrono::Utc;",
        "use tracing;",
        "fn a() { diesel::insert(x) }",
        "use crate::clock::Clock;",
    ] {
        assert_eq!(judge("src/directory/decide.rs", text).len(), 1, "{text}");
    }
    assert_eq!(judge("src/directory/decide.rs", "use crate::clock::{Clock, Timestamp};").len(), 1);
    assert_eq!(judge("src/expression/mod.rs", "use crate::directory::User;").len(), 1);
    let allowed = "use std::fmt;\nuse serde::Serialize;\nuse uuid::Uuid;\nuse crate::clock::Timestamp;\nuse super::ids::TenantId;";
    assert_eq!(judge("src/directory/decide.rs", allowed), [""; 0]);
}

#[test]
fn libraries_are_used_only_where_they_belong() {
    assert_eq!(judge("src/sync/fetch.rs", "use reqwest::Client;").len(), 1);
    assert_eq!(judge("src/queue/lease.rs", "use diesel::{prelude::*, sql_query};").len(), 2);
    assert_eq!(judge("src/intake/mod.rs", "async fn a(body: actix_web::web::Bytes) {}").len(), 1);
    assert_eq!(judge("src/store/db.rs", "use diesel::prelude::*;"), [""; 0]);
    assert_eq!(judge("src/http/routes.rs", "use actix_web::web;"), [""; 0]);
}

#[test]
fn the_simulator_stands_apart() {
    assert_eq!(judge("src/simulator/mod.rs", "use crate::clock::Clock;").len(), 1);
    assert_eq!(judge("src/graph/client.rs", "use crate::simulator::Tenant;").len(), 1);
    assert_eq!(
        judge("src/simulator/tenant.rs", "use crate::simulator::faults;\nuse actix_web::web;\nuse super::wire;"),
        [""; 0]
    );
    assert_eq!(judge("src/demo.rs", "use crate::simulator::Tenant;"), [""; 0]);
    assert_eq!(judge("src/main.rs", "use rollcall::simulator::Tenant;"), [""; 0]);
}

#[test]
fn tests_strings_and_comments_are_not_imports() {
    let text = "// use tokio::spawn;\n/// crate::sync::run\nconst A: &str = \"crate::sync::run\";\n#[cfg(test)]\nmod tests {\n    use tokio::spawn;\n}\n";
    assert_eq!(judge("src/directory/decide.rs", text), [""; 0]);
    assert_eq!(judge("src/directory/decide.rs", &format!("{text}use tokio::time;")).len(), 1);
    assert_eq!(judge("src/directory/decide.rs", "#[cfg(test)]\nuse tokio::time;\nuse tokio::time;").len(), 1);
}

#[test]
fn a_module_without_a_row_is_found() {
    assert_eq!(judge("src/helpers/mod.rs", ""), ["src/helpers/mod.rs"]);
}
