//! The main job: a change in the directory becomes a change of an account or a team.

mod groups;
mod looks;
mod people;
mod user_names;
