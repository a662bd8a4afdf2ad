//! The accidental-deletion guard: what is held, and what an administrator's decision does.

mod decisions;
mod sets;
