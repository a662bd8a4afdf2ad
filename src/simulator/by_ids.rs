//! `POST /directoryObjects/getByIds`. Graph: directoryobject-getbyids.

use serde_json::Value;
use uuid::Uuid;

use super::directory::Slot;
use super::errors::GraphError;
use super::listing;
use super::message::{Grant, Outcome, Request};
use super::options::{Options, Shape};
use super::permissions;
use super::properties::Kind;
use super::render::Writer;
use super::world::World;

/// Ids in one request.
const IDS_MAX: usize = 1_000;

/// Answers with the live objects among the ids; the others are left out without a word.
pub(super) fn get_by_ids(world: &World, request: &Request, grant: &Grant, options: &Options) -> Outcome {
    options.allow(&["$select"])?;
    let directory = &world.tenant(grant.tenant).directory;
    let body = request.json()?;
    let kinds = kinds(&body)?;
    let mut slots = ids(&body)?
        .into_iter()
        .filter_map(|id| kinds.iter().find_map(|kind| directory.live(id, *kind)))
        .collect::<Vec<Slot>>();
    slots.sort_unstable();
    slots.dedup();
    let shape = Shape::select(directory, options.get("$select"), &[Kind::User, Kind::Group], false)?;
    let writer = Writer { directory, shape: &shape, typed: true, readable: permissions::readable(grant) };
    Ok(listing::collection(&request.context("directoryObjects"), None, None, &writer.list(slots)))
}

fn ids(body: &Value) -> Result<Vec<Uuid>, GraphError> {
    let ids = body.get("ids").and_then(Value::as_array);
    let ids = ids.ok_or_else(|| GraphError::bad_request("Required parameter 'ids' is missing."))?;
    if ids.is_empty() || ids.len() > IDS_MAX {
        let message = format!("The number of ids must be between 1 and {IDS_MAX}, it is {}.", ids.len());
        return Err(GraphError::bad_request(message));
    }
    let id = |id: &Value| id.as_str().and_then(|id| Uuid::parse_str(id).ok());
    let invalid = |given: &Value| GraphError::bad_request(format!("Invalid object identifier '{given}'."));
    ids.iter().map(|given| id(given).ok_or_else(|| invalid(given))).collect()
}

fn kinds(body: &Value) -> Result<Vec<Kind>, GraphError> {
    let Some(types) = body.get("types").filter(|types| !types.is_null()) else {
        return Ok(vec![Kind::User, Kind::Group]);
    };
    let types = types.as_array().ok_or_else(|| GraphError::bad_request("'types' must be an array."))?;
    let mut kinds = Vec::new();
    for name in types {
        let lower = name.as_str().unwrap_or_default().to_ascii_lowercase();
        match lower.trim_start_matches('#').trim_start_matches("microsoft.graph.") {
            "user" => kinds.push(Kind::User),
            "group" => kinds.push(Kind::Group),
            "directoryobject" => kinds.extend([Kind::User, Kind::Group]),
            "device" | "serviceprincipal" | "orgcontact" | "application" => {}
            _ => return Err(GraphError::bad_request(format!("Invalid resource type {name} specified in 'types'."))),
        }
    }
    Ok(kinds)
}
