//! Functions and files that fit on a screen or two.

use crate::scanner::{functions, production_code, production_line_count};
use crate::tree::{Exception, assert_none, production_files, without_exceptions};

/// What a reader takes in at one look.
const FUNCTION_LINE_COUNT_MAX: usize = 40;

/// What a reader finds their way in without a search. Tests in the file do not count: they are read one at a time.
const FILE_LINE_COUNT_MAX: usize = 300;

/// `src/file.rs::function`, and why it is longer.
const LONG_FUNCTIONS: &[Exception] = &[];

/// `src/file.rs`, and why it is longer.
const LONG_FILES: &[Exception] = &[(
    "src/directory/rules.rs",
    "its last part, the settings refused for now, shrinks as each of them is carried out",
)];

#[test]
fn no_function_is_longer_than_a_screen() {
    let law = format!("At most {FUNCTION_LINE_COUNT_MAX} lines a function; cut along the walk of the work:");
    let files = production_files();
    let long = files.iter().flat_map(|file| long_functions(&file.path, &file.text)).collect();
    assert_none(&law, &without_exceptions(long, LONG_FUNCTIONS));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let law = format!("At most {FILE_LINE_COUNT_MAX} lines a file, tests aside; cut along the walk of the work:");
    let files = production_files();
    let long = files.iter().filter_map(|file| long_file(&file.path, &file.text)).collect();
    assert_none(&law, &without_exceptions(long, LONG_FILES));
}

fn long_functions(path: &str, text: &str) -> Vec<(String, String)> {
    let long = functions(&production_code(text)).into_iter().filter(|f| f.body_line_count > FUNCTION_LINE_COUNT_MAX);
    long.map(|f| {
        (format!("{path}::{}", f.name), format!("{path}:{}: {} has {} lines", f.line, f.name, f.body_line_count))
    })
    .collect()
}

fn long_file(path: &str, text: &str) -> Option<(String, String)> {
    let count = production_line_count(text);
    (count > FILE_LINE_COUNT_MAX).then(|| (path.to_owned(), format!("{path} has {count} lines")))
}

/// A function whose body holds `count` lines.
fn function_of(count: usize) -> String {
    format!(
        "/// Doc.\npub(crate) fn sample<'a, const N: usize>(a: &'a [u8; 3]) -> [char; 2] {{\n{}}}\n",
        "    work();\n".repeat(count)
    )
}

#[test]
fn a_function_is_measured_between_its_braces() {
    let found = functions(&production_code(&function_of(7)));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].line, found[0].body_line_count), ("sample", 2, 7));
}

#[test]
fn forty_lines_pass_and_one_more_does_not() {
    assert_eq!(long_functions("a.rs", &function_of(40)), []);
    let expected = ("a.rs::sample".to_owned(), "a.rs:2: sample has 41 lines".to_owned());
    assert_eq!(long_functions("a.rs", &function_of(41)), [expected]);
}

#[test]
fn braces_in_strings_characters_and_comments_do_not_end_a_function() {
    let tricks = [
        r####"let a = "}\"}";"####,
        r####"let b = r#"}"}"#;"####,
        "let c = '}';",
        r"let d = '\'';",
        "// }",
        "/* } /* } */ } */",
    ];
    for trick in tricks {
        let text = format!("fn sample<'a>(x: &'a str) {{\n    {trick}\n{}}}\n", "    work();\n".repeat(41));
        assert_eq!(long_functions("a.rs", &text).len(), 1, "{trick}");
    }
}

#[test]
fn a_long_function_behind_the_tests_or_inside_an_impl_is_still_seen() {
    let text = format!("#[cfg(test)]\nmod tests {{\n    fn a() {{}}\n}}\nimpl X {{\n{}}}\n", function_of(41));
    assert_eq!(long_functions("a.rs", &text).len(), 1);
}

#[test]
fn a_long_test_is_allowed_and_a_pointer_type_is_no_function() {
    let text = format!("type F = fn(u8) -> u8;\n#[cfg(test)]\nmod tests {{\n{}}}\n", function_of(41));
    assert_eq!(long_functions("a.rs", &text), []);
    assert_eq!(functions(&production_code("trait T { fn declared(&self); }")), []);
}

#[test]
fn a_file_is_measured_without_its_tests() {
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// line\n".repeat(500));
    assert_eq!(long_file("a.rs", &format!("{}{tests}", "// line\n".repeat(300))), None);
    let expected = ("a.rs".to_owned(), "a.rs has 301 lines".to_owned());
    assert_eq!(long_file("a.rs", &format!("{}{tests}", "// line\n".repeat(301))), Some(expected));
}
