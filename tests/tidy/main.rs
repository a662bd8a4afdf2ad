//! The laws of the code base that no compiler checks: who may import whom, how long things may be, the key rule.
//!
//! A law is broken only by a line in its list of exceptions, with the reason; an exception that nothing needs fails too.

mod imports;
mod lengths;
mod migrations;
mod paths;
mod scanner;
mod tree;
mod walk;
mod words;
