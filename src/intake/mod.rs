//! Notifications in: parse, admit, append to the inbox.
