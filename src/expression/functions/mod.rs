//! The functions of the language, by what they work on.

pub(super) mod dates;
mod diacritics;
mod encode;
mod lists;
mod logic;
mod random;
mod replace;
mod text;
mod words;

pub(super) use replace::{LOOK_BYTES_MAX, Pattern};

use super::catalog::Function;

/// Every function, in groups.
pub(super) static ALL: [&[Function]; 8] = [
    &dates::FUNCTIONS,
    &encode::FUNCTIONS,
    &lists::FUNCTIONS,
    &logic::FUNCTIONS,
    &random::FUNCTIONS,
    &replace::FUNCTIONS,
    &text::FUNCTIONS,
    &words::FUNCTIONS,
];
