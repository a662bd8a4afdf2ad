//! Profile photos. A change of one announces itself nowhere. Graph: profilephoto-get.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::errors::GraphError;
use super::message::{Content, Grant, Outcome, Request, Response};
use super::objects;
use super::properties::Kind;
use super::world::World;

/// `GET /users/{id}/photo`, `.../photo/$value`, `.../photos/{size}/$value`; 404 without a photo.
pub(super) fn get(world: &World, request: &Request, grant: &Grant, user: &str, value: bool) -> Outcome {
    let directory = &world.tenant(grant.tenant).directory;
    let slot = objects::find(directory, Kind::User, user)?;
    let none = || GraphError::new(404, "ImageNotFound", "The specified object was not found in the store.");
    let bytes = directory.photos.get(&slot).ok_or_else(none)?;
    let media_type = media_type(bytes);
    let etag = etag(bytes);
    if value {
        let content = Content::Bytes { media_type: media_type.to_owned(), bytes: bytes.clone() };
        return Ok(Response { status: 200, headers: vec![("ETag", etag)], content });
    }
    let body = json!({
        "@odata.context": request.context("users('…')/photo/$entity"),
        "@odata.mediaContentType": media_type,
        "@odata.mediaEtag": etag,
        "id": "240x240",
        "width": 240,
        "height": 240,
    });
    Ok(Response::json(200, body.to_string()))
}

fn media_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', ..] => "image/gif",
        _ => "image/jpeg",
    }
}

fn etag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    format!("\"{:02X}{:02X}{:02X}{:02X}\"", digest[0], digest[1], digest[2], digest[3])
}
