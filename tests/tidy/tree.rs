//! The files of this repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of `Cargo.toml`.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of the repository.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl SourceFile {
    /// The words of its module path: `src/queue/fold.rs` is `["queue", "fold"]`, `src/queue/mod.rs` is `["queue"]`.
    pub fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut words: Vec<&str> = path.split('/').collect();
        if words.last() == Some(&"mod") {
            words.pop();
        }
        words
    }
}

/// The Rust files below `src/`, without those that only tests use (`tests.rs`, `tests/`).
pub fn production_files() -> Vec<SourceFile> {
    let files: Vec<SourceFile> = text_files("src").into_iter().filter(|file| file.path.ends_with(".rs")).collect();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the sources are not where they are looked for");
    files.into_iter().filter(|file| !file.module().contains(&"tests")).collect()
}

/// All text files below a folder of the repository (`""` is all of it), in the order of their paths.
///
/// Left out: what git and cargo keep for themselves, and files that are not UTF-8.
pub fn text_files(folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = String::from_utf8(fs::read(&path).expect("a listed file can be read")).ok()?;
        let path = path.strip_prefix(root()).expect("a listed file lies below the root");
        Some(SourceFile { path: path.to_string_lossy().replace('\\', "/"), text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    // Cargo marks its target folder, wherever that is, with this file.
    if folder.ends_with(".git") || folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    for entry in fs::read_dir(folder).expect("a folder of the repository can be listed") {
        let entry = entry.expect("a folder of the repository can be listed");
        let kind = entry.file_type().expect("a file has a type");
        if kind.is_dir() {
            collect(&entry.path(), paths);
        } else if kind.is_file() && entry.file_name() != ".git" {
            paths.push(entry.path());
        }
    }
}

/// Fails with all violations, one on a line.
#[track_caller]
pub fn assert_none(law: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{law}\n  {}\n", violations.join("\n  "));
}

/// An entry of a list of exceptions: what is excepted, and why.
pub type Exception = (&'static str, &'static str);

/// Takes excepted violations out, and adds one for each exception that nothing needed.
///
/// `subject` is the part of a violation that the exception names.
pub fn without_exceptions(violations: Vec<(String, String)>, exceptions: &[Exception]) -> Vec<String> {
    let unneeded = exceptions.iter().filter(|(name, _)| !violations.iter().any(|(subject, _)| subject == name));
    let unneeded: Vec<String> =
        unneeded.map(|(name, _)| format!("{name}: remove this exception, nothing needs it")).collect();
    let broken = violations.into_iter().filter(|(subject, _)| !exceptions.iter().any(|(name, _)| subject == name));
    broken.map(|(_, violation)| violation).chain(unneeded).collect()
}

#[test]
fn an_exception_that_nothing_needs_is_a_violation() {
    let violations = vec![("a".to_owned(), "a is too long".to_owned()), ("b".to_owned(), "b is too long".to_owned())];
    let left = without_exceptions(violations, &[("a", "generated"), ("c", "generated")]);
    assert_eq!(left, ["b is too long", "c: remove this exception, nothing needs it"]);
}

#[test]
fn a_file_knows_its_module() {
    let module_of = |path: &str| {
        let file = SourceFile { path: path.to_owned(), text: String::new() };
        file.module().join("::")
    };
    assert_eq!(module_of("src/queue/mod.rs"), "queue");
    assert_eq!(module_of("src/queue/fold.rs"), "queue::fold");
    assert_eq!(module_of("src/clock.rs"), "clock");
}
