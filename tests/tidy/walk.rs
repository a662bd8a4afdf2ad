//! The walk told in `src/lib.rs` leads to functions that exist.

use crate::imports::MODULES;
use crate::scanner::{functions, production_code};
use crate::tree::{SourceFile, assert_none, production_files, root};

#[test]
fn every_step_of_the_walk_exists() {
    let files = production_files();
    let told = include_str!("../../src/lib.rs");
    let steps = steps(told);
    // Before the parts are put together there is no walk to tell.
    if root().join("src/startup.rs").exists() || root().join("src/startup").exists() {
        assert!(!steps.is_empty(), "the documentation of src/lib.rs names no step of the walk, like `intake::parse`");
    }
    let missing: Vec<String> = steps.into_iter().filter(|step| !exists(step, &files)).collect();
    assert_none("The walk in src/lib.rs names what does not exist:", &missing);
}

/// The names `module::...::function` in the module's documentation, module being one of the crate's.
fn steps(text: &str) -> Vec<String> {
    let told = text.lines().filter_map(|line| line.strip_prefix("//!"));
    let words = told.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')));
    let is_step = |word: &&str| {
        let module = word.split_once("::").map(|(module, _)| module);
        MODULES.iter().any(|(name, _)| Some(*name) == module)
    };
    let named = words.map(|word| word.trim_start_matches("crate::").trim_end_matches(':'));
    named.filter(is_step).map(str::to_owned).collect()
}

/// Whether the last word of `step` is a function, a type or a file of the module that its first word names.
fn exists(step: &str, files: &[SourceFile]) -> bool {
    let words: Vec<&str> = step.split("::").collect();
    let (Some(module), Some(name)) = (words.first(), words.last()) else { return false };
    let mut within = files.iter().filter(|file| file.module()[0] == *module);
    within.any(|file| file.module() == words || defines(&production_code(&file.text), name))
}

fn defines(code: &str, name: &str) -> bool {
    let of_type = ["struct ", "enum ", "trait ", "type "].map(|keyword| format!("{keyword}{name}"));
    let ends_word = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_type = of_type.iter().any(|definition| code.split(definition.as_str()).skip(1).any(ends_word));
    is_type || functions(code).iter().any(|function| function.name == name)
}

#[test]
fn steps_are_read_from_the_documentation_only() {
    let text = "//! [`intake::parse`] reads, then `sync::run_once`: std::fmt, nothing::else_here.\nuse queue::fold;\n//! http::callbacks::receive   body limit";
    assert_eq!(steps(text), ["intake::parse", "sync::run_once", "http::callbacks::receive"]);
}

#[test]
fn a_step_that_is_only_mentioned_does_not_exist() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let files = [
        file("src/intake/body.rs", "// fn parse() {}\npub fn parse_all() {}\nstruct Batch;"),
        file("src/sync/mod.rs", "fn parse() {}"),
    ];
    assert!(!exists("intake::parse", &files));
    assert!(exists("intake::parse_all", &files));
    assert!(exists("intake::Batch", &files));
    assert!(exists("intake::body", &files));
    assert!(!exists("intake::Bat", &files));
}
