//! The worker: fetch, decide, apply, settle.
