//! Single objects: one user, one group, a user's manager, the organization.

use serde_json::json;
use uuid::Uuid;

use super::directory::{Directory, Slot};
use super::errors::GraphError;
use super::message::{Grant, Outcome, Request, Response};
use super::options::{Options, Shape};
use super::permissions;
use super::properties::Kind;
use super::render::Writer;
use super::world::World;

/// The live object of that id; a user also by user principal name.
///
/// # Errors
/// 404 when there is none.
pub(super) fn find(directory: &Directory, kind: Kind, id: &str) -> Result<Slot, GraphError> {
    let found = match Uuid::parse_str(id) {
        Ok(id) => directory.live(id, kind),
        Err(_) if kind == Kind::User => directory.live_named(id),
        Err(_) => None,
    };
    found.ok_or_else(|| GraphError::not_found(id))
}

/// `GET /users/{id}`, `GET /groups/{id}`.
pub(super) fn get(
    world: &World,
    request: &Request,
    grant: &Grant,
    options: &Options,
    (kind, id): (Kind, &str),
) -> Outcome {
    options.allow(if kind == Kind::User { &["$select", "$expand"] } else { &["$select"] })?;
    let directory = &world.tenant(grant.tenant).directory;
    let shape = Shape::select(directory, options.get("$select"), &[kind], true)?;
    let shape = shape.expand(directory, options.get("$expand"))?;
    let slot = find(directory, kind, id)?;
    let writer = Writer { directory, shape: &shape, typed: false, readable: permissions::readable(grant) };
    let context = request.context(&format!("{}{}/$entity", kind.collection(), shape.context));
    Ok(Response::json(200, writer.entity(&context, slot)))
}

/// `GET /users/{id}/manager`.
pub(super) fn manager(world: &World, request: &Request, grant: &Grant, options: &Options, user: &str) -> Outcome {
    options.allow(&["$select"])?;
    let directory = &world.tenant(grant.tenant).directory;
    let shape = Shape::select(directory, options.get("$select"), &[Kind::User], true)?;
    let slot = find(directory, Kind::User, user)?;
    let manager = directory.live_manager(slot).ok_or_else(|| GraphError::not_found("manager"))?;
    let writer = Writer { directory, shape: &shape, typed: true, readable: permissions::readable(grant) };
    Ok(Response::json(200, writer.entity(&request.context("directoryObjects/$entity"), manager)))
}

/// `GET /organization`.
pub(super) fn organization(world: &World, request: &Request, grant: &Grant, options: &Options) -> Outcome {
    options.allow(&["$select"])?;
    let tenant = world.tenant(grant.tenant);
    let verified = json!([{ "name": tenant.domain(), "isDefault": true, "isInitial": true }]);
    let all = [
        ("id", json!(tenant.id)),
        ("displayName", json!(tenant.name)),
        ("tenantType", json!("AAD")),
        ("verifiedDomains", verified),
    ];
    let selected: Option<Vec<_>> = options.get("$select").map(|select| select.split(',').map(str::trim).collect());
    let is_shown = |name: &str| selected.as_ref().is_none_or(|selected| selected.contains(&name));
    if let Some(unknown) = selected.iter().flatten().find(|name| all.iter().all(|(known, _)| known != *name)) {
        let message = format!("Could not find a property named '{unknown}' on type 'microsoft.graph.organization'.");
        return Err(GraphError::new(400, "BadRequest", message));
    }
    let shown: serde_json::Map<_, _> =
        all.into_iter().filter(|(name, _)| is_shown(name)).map(|(name, value)| (name.to_owned(), value)).collect();
    let body = json!({ "@odata.context": request.context("organization"), "value": [shown] });
    Ok(Response::json(200, body.to_string()))
}
