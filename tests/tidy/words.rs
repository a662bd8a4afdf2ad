//! The repository speaks of itself alone: no path of one particular machine in any file.

use crate::tree::{assert_none, text_files};

/// Folders of a machine that nobody else has. In two pieces, so that this list does not find itself.
const FORBIDDEN: &[&str] =
    &[concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/ro", "ot/"), concat!("/.lib", "rary/")];

#[test]
fn no_file_names_a_path_of_one_machine() {
    let files = text_files("");
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the files are not where they are looked for");
    let found: Vec<String> = files.iter().flat_map(|file| machine_paths(&file.path, &file.text)).collect();
    assert_none("Paths of one machine:", &found);
}

fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let named = FORBIDDEN.iter().filter(|word| names(content, word));
        found.extend(named.map(|word| format!("{path}:{}: {word}", line + 1)));
    }
    found
}

/// Whether the word stands at the beginning of a path, not in the middle of one.
fn names(content: &str, word: &str) -> bool {
    content
        .match_indices(word)
        .any(|(at, _)| !content[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.{}".contains(c)))
}

#[test]
fn a_path_of_one_machine_is_found_and_a_longer_path_is_not() {
    let forbidden = FORBIDDEN[0];
    assert_eq!(machine_paths("a.md", &format!("fine\nsee {forbidden}notes")), [format!("a.md:2: {forbidden}")]);
    assert_eq!(machine_paths("a.md", &format!("see `{forbidden}notes`")).len(), 1);
    assert_eq!(machine_paths("a.md", &format!("see src/queue{forbidden}mod.rs")), [""; 0]);
}
