//! What finds a change that no notification announced, and the runs an administrator asks for.

mod delta;
mod full;
mod requests;
