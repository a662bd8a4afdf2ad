//! Which operation needs which application permission.

use super::errors::GraphError;
use super::message::Grant;
use super::render::Readable;
use super::routes::Operation;

const READ_USERS: [&str; 4] = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_GROUPS: [&str; 6] = [
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_DELETED: [&str; 3] = ["User.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];

/// Whether the token carries one of these.
pub(super) fn has(grant: &Grant, wanted: &[&str]) -> bool {
    grant.roles.iter().any(|role| wanted.contains(&role.as_str()))
}

/// The kinds whose properties the token may read.
pub(super) fn readable(grant: &Grant) -> Readable {
    Readable { users: has(grant, &READ_USERS), groups: has(grant, &READ_GROUPS) }
}

/// Refuses what the token does not permit.
///
/// # Errors
/// 403 `Authorization_RequestDenied`.
pub(super) fn check(grant: &Grant, operation: &Operation) -> Result<(), GraphError> {
    let readable = readable(grant);
    let allowed = match operation {
        Operation::List(kind)
        | Operation::Count(kind)
        | Operation::Get(kind, _)
        | Operation::Delta(kind)
        | Operation::DeletedList(kind) => readable.kind(*kind),
        Operation::Manager(_) | Operation::Photo { .. } => readable.users,
        Operation::Members { .. } => readable.groups,
        Operation::MemberOf { kind, .. } => readable.kind(*kind),
        Operation::DeletedRestore(_) | Operation::DeletedPurge(_) => has(grant, &WRITE_DELETED),
        Operation::GetByIds | Operation::DeletedGet(_) => readable.users || readable.groups,
        Operation::Organization
        | Operation::SubscriptionCreate
        | Operation::SubscriptionList
        | Operation::SubscriptionGet(_)
        | Operation::SubscriptionUpdate(_)
        | Operation::SubscriptionDelete(_)
        | Operation::SubscriptionReauthorize(_) => !grant.roles.is_empty(),
    };
    if allowed { Ok(()) } else { Err(GraphError::denied()) }
}
