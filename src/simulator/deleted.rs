//! Deleted items. Graph: directory-deleteditems-list.

use uuid::Uuid;

use super::directory::{Directory, Slot, State};
use super::errors::GraphError;
use super::listing::{self, Paging};
use super::message::{Grant, Outcome, Request, Response};
use super::options::{Options, Shape};
use super::permissions;
use super::properties::Kind;
use super::render::Writer;
use super::world::World;

/// The soft-deleted object of that id.
///
/// # Errors
/// 404 when it is live, gone or unknown.
fn find(directory: &Directory, id: &str) -> Result<Slot, GraphError> {
    let found = Uuid::parse_str(id).ok().and_then(|id| directory.by_id.get(&id).copied());
    let is_deleted = |slot: &Slot| matches!(directory.object(*slot).state, State::SoftDeleted { .. });
    found.filter(is_deleted).ok_or_else(|| GraphError::not_found(id))
}

/// `GET /directory/deletedItems/microsoft.graph.user`, `.../microsoft.graph.group`.
pub(super) fn list(world: &World, request: &Request, grant: &Grant, options: &Options, kind: Kind) -> Outcome {
    options.allow(&["$select", "$top", "$count", "$skiptoken"])?;
    let directory = &world.tenant(grant.tenant).directory;
    let shape = Shape::select(directory, options.get("$select"), &[kind], false)?;
    let counts = options.counts(request.is_eventual())?;
    let paging = Paging::read(world, request, options)?;
    let found = || directory.deleted.iter().copied().filter(|slot| directory.object(*slot).kind == kind);
    let count = (counts && paging.after.is_none()).then(|| found().count());
    let (page, next_link) = paging.take(found().filter(|slot| Some(*slot) > paging.after));
    let writer = Writer { directory, shape: &shape, typed: false, readable: permissions::readable(grant) };
    let context = request.context(&format!("{}{}", kind.collection(), shape.context));
    Ok(listing::collection(&context, count, next_link, &writer.list(page)))
}

/// `GET /directory/deletedItems/{id}`.
pub(super) fn get(world: &World, request: &Request, grant: &Grant, options: &Options, id: &str) -> Outcome {
    options.allow(&["$select"])?;
    let directory = &world.tenant(grant.tenant).directory;
    let slot = find(directory, id)?;
    let kind = directory.object(slot).kind;
    let shape = Shape::select(directory, options.get("$select"), &[kind], true)?;
    let writer = Writer { directory, shape: &shape, typed: true, readable: permissions::readable(grant) };
    Ok(Response::json(200, writer.entity(&request.context("directoryObjects/$entity"), slot)))
}

/// `POST /directory/deletedItems/{id}/restore`.
pub(super) fn restore(world: &mut World, request: &Request, grant: &Grant, id: &str) -> Outcome {
    let directory = &mut world.tenant_mut(grant.tenant).directory;
    let slot = find(directory, id)?;
    directory.restore(slot);
    let shape = Shape::select(directory, None, &[directory.object(slot).kind], true)?;
    let writer = Writer { directory, shape: &shape, typed: true, readable: permissions::readable(grant) };
    Ok(Response::json(200, writer.entity(&request.context("directoryObjects/$entity"), slot)))
}

/// `DELETE /directory/deletedItems/{id}`: gone for good.
pub(super) fn purge(world: &mut World, grant: &Grant, id: &str) -> Outcome {
    let directory = &mut world.tenant_mut(grant.tenant).directory;
    let slot = find(directory, id)?;
    directory.purge(slot);
    Ok(Response::no_content())
}
