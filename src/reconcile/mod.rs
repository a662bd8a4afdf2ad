//! Full listings, the delta poll, and when they run.
