//! The same schema on both databases, and every key led by the connection.

use std::collections::BTreeSet;

use crate::tree::{Exception, SourceFile, assert_none, root, text_files, without_exceptions};

/// The column that leads every key, so that no row is reached without it and the schema can be spread by it.
const FIRST_KEY_COLUMN: &str = "connection_id";

/// Tables that belong to no connection, and why.
const GLOBAL_TABLES: &[Exception] = &[
    ("data_keys", "one set of keys for the whole service, wrapped by the master key"),
    ("inbox", "one row for one request body, which may hold several connections; append-only and drained at once"),
];

/// Where the migrations of each database lie. SQLite keeps the inbox in a file of its own.
const DATABASES: &[&[&str]] = &[&["sqlite", "sqlite-inbox"], &["postgresql"]];

#[test]
fn both_databases_have_the_same_migrations() {
    let files = migrations();
    assert_none("Each migration has up.sql and down.sql for both databases:", &unpaired(&files));
}

#[test]
fn every_primary_key_begins_with_the_connection() {
    let files = migrations();
    let ups: Vec<&SourceFile> = files.iter().filter(|file| file.path.ends_with("/up.sql")).collect();
    let tables: Vec<_> = ups.iter().flat_map(|file| tables(&file.path, &file.text)).collect();
    if root().join("migrations").exists() {
        assert!(!tables.is_empty(), "the folder migrations holds no table: this test looks in the wrong place");
    }
    let broken = tables.iter().filter_map(key_violation).collect();
    assert_none("Every table's primary key begins with connection_id:", &without_exceptions(broken, GLOBAL_TABLES));
}

/// The files of all migrations; none as long as there is no such folder.
fn migrations() -> Vec<SourceFile> {
    if root().join("migrations").exists() { text_files("migrations") } else { Vec::new() }
}

/// One sentence for each `{up,down}.sql` that a migration lacks on one database.
fn unpaired(files: &[SourceFile]) -> Vec<String> {
    let names: BTreeSet<&str> = files.iter().filter_map(|file| file.path.split('/').nth(2)).collect();
    let has_content =
        |path: String| files.iter().any(|file| file.path == path && !without_comments(&file.text).trim().is_empty());
    let mut missing = Vec::new();
    for name in names {
        for (folders, file) in DATABASES.iter().flat_map(|folders| [(folders, "up.sql"), (folders, "down.sql")]) {
            if !folders.iter().any(|folder| has_content(format!("migrations/{folder}/{name}/{file}"))) {
                missing.push(format!("migrations/{}/{name}/{file} is missing or empty", folders[0]));
            }
        }
    }
    missing
}

/// A table that a migration makes.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    path: String,
    name: String,
    /// The first column of its primary key; `None` without a primary key.
    key: Option<String>,
}

fn key_violation(table: &Table) -> Option<(String, String)> {
    let found = match table.key.as_deref() {
        Some(FIRST_KEY_COLUMN) => return None,
        Some(other) => format!("begins with {other}"),
        None => "is missing".to_owned(),
    };
    Some((table.name.clone(), format!("{}: the primary key of {} {found}", table.path, table.name)))
}

/// The tables that a migration makes, in order.
fn tables(path: &str, sql: &str) -> Vec<Table> {
    const MARK: &str = "create table ";
    let sql = normalized(sql);
    let statements = sql.match_indices(MARK).map(|(at, _)| sql[at + MARK.len()..].trim_start_matches("if not exists "));
    let table = |statement: &str| {
        let (name, rest) = statement.split_once('(').expect("a table's name is followed by its columns");
        let name = name.trim().trim_matches('"').to_owned();
        Table { path: path.to_owned(), name, key: first_key_column(parenthesized(rest)) }
    };
    statements.map(table).collect()
}

/// Lower case, without comments, every run of white space one space.
fn normalized(sql: &str) -> String {
    without_comments(sql).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_comments(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code)).collect();
    lines
        .join("\n")
        .split("/*")
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once("*/").map_or("", |p| p.1) })
        .collect()
}

/// The text up to the bracket that closes the one just before it.
fn parenthesized(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

fn first_key_column(columns: &str) -> Option<String> {
    const MARK: &str = "primary key";
    let item = items(columns).into_iter().find(|item| item.contains(MARK))?;
    let (before, after) = item.split_once(MARK)?;
    let of_table = before.is_empty() || before.starts_with("constraint ");
    let list = if of_table { after.trim_start().trim_start_matches('(') } else { before };
    let first = list.split([',', ' ', ')']).find(|word| !word.is_empty())?;
    Some(first.trim_matches('"').to_owned())
}

/// The parts between commas that stand outside brackets.
fn items(columns: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in columns.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (c, items.last_mut()) {
            (',', _) if depth == 0 => items.push(String::new()),
            (_, Some(item)) => item.push(c),
            (_, None) => {}
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).collect()
}

fn key_of(sql: &str) -> Option<String> {
    tables("up.sql", sql).remove(0).key
}

#[test]
fn keys_are_read_from_the_table_and_from_the_column() {
    let of_table = "CREATE TABLE IF NOT EXISTS people (\n  connection_id TEXT NOT NULL, -- the owner, not id\n  size NUMERIC(10, 2) CHECK (size IN (1, 2)),\n  PRIMARY KEY (connection_id, id)\n) WITHOUT ROWID;";
    assert_eq!(key_of(of_table).as_deref(), Some("connection_id"));
    assert_eq!(
        key_of("create table a (x int, constraint a_key primary key (\"x\", connection_id))").as_deref(),
        Some("x")
    );
    assert_eq!(key_of("CREATE TABLE a (connection_id TEXT, id BIGINT PRIMARY KEY)").as_deref(), Some("id"));
    assert_eq!(key_of("CREATE TABLE a (connection_id TEXT /* PRIMARY KEY */)"), None);
}

#[test]
fn a_key_that_begins_otherwise_or_is_missing_is_a_violation() {
    let sql = "CREATE TABLE a (connection_id TEXT PRIMARY KEY);\nCREATE TABLE b (id TEXT PRIMARY KEY);\nCREATE TABLE c (x TEXT);";
    let found: Vec<String> = tables("up.sql", sql).iter().filter_map(key_violation).map(|(_, why)| why).collect();
    assert_eq!(found, ["up.sql: the primary key of b begins with id", "up.sql: the primary key of c is missing"]);
}

#[test]
fn a_migration_without_its_counterpart_is_a_violation() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let up = file("migrations/sqlite/0001_base/up.sql", "CREATE TABLE a (x TEXT);");
    let down = file("migrations/sqlite/0001_base/down.sql", "-- nothing\n");
    let other = file("migrations/postgresql/0001_base/up.sql", "CREATE TABLE a (x TEXT);");
    let expected = ["sqlite/0001_base/down.sql", "postgresql/0001_base/down.sql"]
        .map(|path| format!("migrations/{path} is missing or empty"));
    assert_eq!(unpaired(&[up, down, other]), expected);

    let paired = ["sqlite-inbox", "postgresql"].map(|folder| {
        ["up", "down"].map(|way| file(&format!("migrations/{folder}/0002_inbox/{way}.sql"), "DROP TABLE a;"))
    });
    assert_eq!(unpaired(paired.as_flattened()), [""; 0]);
}
