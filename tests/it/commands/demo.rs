//! `rollcall demo`.

use super::Environment;

#[test]
fn demo_once_plays_a_life_in_which_everything_agrees() {
    let table = Environment::default().run(&["demo", "--once"]).done();
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert!(rows.len() >= 12 && rows.iter().all(|row| row.ends_with("  yes")), "{table}");
}

#[test]
fn demo_prints_where_it_is_and_ends_with_0_after_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let mut demo = Environment::default().start(&["demo", "--data", data.to_str().unwrap()]);
    let lines = demo.first_lines(7);
    assert!(lines.iter().any(|line| line.starts_with("admin API:")), "{lines:?}");
    assert_eq!(demo.terminate().0.code(), Some(0));
    assert!(data.join("master-key").is_file() && data.join("rollcall.db").is_file());
}
