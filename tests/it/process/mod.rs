//! The real program as a process of its own: what survives when it is killed, and how it stops.

mod crash;
mod server;
mod stop;
