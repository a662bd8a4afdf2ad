//! Bodies: 400 when they are not JSON, 422 naming the field when a value does not fit.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::directory::rules::FieldError;
use crate::http::errors::Problem;

/// A body as its type; an empty one is `{}`.
pub fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let object = if bytes.is_empty() { Map::new() } else { object(bytes)? };
    value(Value::Object(object)).map_err(|error| Problem::unprocessable(vec![error]))
}

/// A body as a JSON object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) if object.iter().any(|(name, value)| has_nul(name) || holds_nul(value)) => {
            Err(Problem::bad_request("A text of the body holds a NUL character, which no database keeps."))
        }
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::bad_request("The body must be a JSON object.")),
        Err(error) => Err(Problem::bad_request(format!("The body is not JSON: {error}."))),
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => has_nul(text),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(object) => object.iter().any(|(name, value)| has_nul(name) || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as its type, or the field that does not fit.
pub fn value<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        misfit(if path == "." { String::new() } else { path }, &error.into_inner().to_string())
    })
}

fn misfit(path: String, message: &str) -> FieldError {
    if let Some(name) = quoted(message, "missing field `") {
        return FieldError::new(join(&path, name), "is required");
    }
    let Some(name) = quoted(message, "unknown field `") else {
        return FieldError::new(path, message);
    };
    let known = message.split_once(", ").map(|(_, known)| known.replace('`', "")).unwrap_or_default();
    // The path ends with the unknown name or with what holds it, by how the type was read.
    let named = path == name || path.ends_with(&format!(".{name}"));
    FieldError::new(if named { path } else { join(&path, name) }, format!("is no field here; {known}"))
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.split('`').next()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
