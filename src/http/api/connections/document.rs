//! A connection as an administrator writes it: read, merged and checked, with every problem told at once.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{body, values};
use crate::directory::rules::{ConnectionSettings, FieldError, NAME_LENGTH_MAX};
use crate::directory::{ConnectionId, TenantId};
use crate::store::connections::ConnectionRecord;

/// The fields kept as [`ConnectionSettings`].
pub const SETTINGS: [&str; 13] = [
    "source",
    "scope",
    "teams",
    "matching",
    "adopt",
    "mapping",
    "required",
    "managers",
    "photos",
    "invitations",
    "guard",
    "reconcile",
    "alerts",
];

/// The other fields an administrator may give.
const IDENTITY: [&str; 4] = ["id", "name", "tenant_id", "credentials"];

/// The settings that are objects.
const OBJECTS: [&str; 4] = ["scope", "teams", "guard", "reconcile"];

/// A connection as it was written, checked.
#[derive(Debug)]
pub struct Document {
    /// The id, when one was given.
    pub id: Option<ConnectionId>,
    /// The name to show.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The app registration; `None` is the service's own.
    pub credentials: Option<Credentials>,
    /// Everything else.
    pub settings: ConnectionSettings,
}

/// The customer's own app registration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The application (client) id.
    #[serde(default)]
    pub client_id: String,
    /// Its secret; `None` keeps the one that is stored.
    #[serde(default, deserialize_with = "secret")]
    pub client_secret: Option<SecretString>,
    #[serde(default, deserialize_with = "secret")]
    certificate_pem: Option<SecretString>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

impl Document {
    /// Checks a connection that is written as a whole; `null` is as good as left out.
    pub fn check(mut object: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        object.retain(|_, value| !value.is_null());
        let mut errors = unknown_fields(&object);
        let id = parsed(&object, "id", &mut errors);
        let name = name(&object, &mut errors);
        let tenant = parsed(&object, "tenant_id", &mut errors);
        if !object.contains_key("tenant_id") {
            errors.push(FieldError::new("tenant_id", "is required: the customer's Entra tenant id"));
        }
        let credentials = credentials(&object, &mut errors);
        match (settings(&object, &mut errors), tenant) {
            (Some(settings), Some(tenant)) if errors.is_empty() => Ok(Self { id, name, tenant, credentials, settings }),
            _ => Err(errors),
        }
    }
}

/// What an administrator may write of a stored connection, secrets left out.
pub fn written(record: &ConnectionRecord) -> Map<String, Value> {
    let mut object = match serde_json::to_value(&record.settings) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    };
    object.insert("id".to_owned(), json!(record.id));
    object.insert("name".to_owned(), json!(record.name));
    object.insert("tenant_id".to_owned(), json!(record.tenant));
    if let Some(client_id) = &record.client_id {
        object.insert("credentials".to_owned(), json!({ "client_id": client_id }));
    }
    object
}

/// Applies a JSON merge patch: null removes, objects merge, everything else replaces (RFC 7396 section 2).
pub fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(change) => {
                let place = target.entry(name).or_insert(Value::Null);
                let mut inner = match std::mem::take(place) {
                    Value::Object(inner) => inner,
                    _ => Map::new(),
                };
                merge(&mut inner, change);
                *place = Value::Object(inner);
            }
            change => {
                target.insert(name, change);
            }
        }
    }
}

fn unknown_fields(object: &Map<String, Value>) -> Vec<FieldError> {
    let known = |name: &str| SETTINGS.contains(&name) || IDENTITY.contains(&name);
    let message = || format!("is no field here; expected one of {}, {}", IDENTITY.join(", "), SETTINGS.join(", "));
    object.keys().filter(|name| !known(name)).map(|name| FieldError::new(name.as_str(), message())).collect()
}

fn parsed<T: std::str::FromStr>(object: &Map<String, Value>, field: &str, errors: &mut Vec<FieldError>) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    let read = match object.get(field)? {
        Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
        _ => Err("must be a text".to_owned()),
    };
    read.map_err(|message| errors.push(FieldError::new(field, message))).ok()
}

fn name(object: &Map<String, Value>, errors: &mut Vec<FieldError>) -> String {
    let problem = match object.get("name") {
        None => "is required: the name to show",
        Some(Value::String(text)) => match text.trim() {
            "" => "must not be empty",
            name if name.chars().count() > NAME_LENGTH_MAX => "must not be longer than 256 characters",
            name if name.chars().any(char::is_control) => "must not hold control characters",
            name => return name.to_owned(),
        },
        Some(_) => "must be a text",
    };
    errors.push(FieldError::new("name", problem));
    String::new()
}

fn credentials(object: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<Credentials> {
    let given = object.get("credentials")?.clone();
    if !given.is_object() {
        errors.push(FieldError::new("credentials", "must be an object: {\"client_id\", \"client_secret\"}"));
        return None;
    }
    let within = |error: FieldError| match error.field.as_str() {
        "" => FieldError::new("credentials", error.message),
        field => FieldError::new(format!("credentials.{field}"), error.message),
    };
    let credentials: Credentials = body::value(given).map_err(|error| errors.push(within(error))).ok()?;
    if credentials.certificate_pem.is_some() {
        errors.push(FieldError::new(
            "credentials.certificate_pem",
            "is not available in this version; use client_id and client_secret",
        ));
    }
    errors.extend(values::credential_problems(&credentials.client_id, credentials.client_secret.as_ref()));
    Some(credentials)
}

/// The settings; each field is read for itself so that one misfit does not hide the next.
fn settings(object: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<ConnectionSettings> {
    let mut given: Map<String, Value> = object
        .iter()
        .filter(|(name, _)| SETTINGS.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let misfits: Vec<FieldError> = given.iter().filter_map(|(name, value)| misfit(name, value)).collect();
    if !misfits.is_empty() {
        errors.extend(misfits);
        return None;
    }
    let without_scope = !given.contains_key("scope");
    given.entry("scope").or_insert_with(|| json!({}));
    let settings: ConnectionSettings = body::value(Value::Object(given)).map_err(|error| errors.push(error)).ok()?;
    let mut problems = settings.problems();
    if without_scope {
        problems.retain(|problem| !problem.field.starts_with("scope"));
        problems.push(FieldError::new("scope", "is required: {\"groups\": [...]} or {\"all_users\": true}"));
    }
    problems.extend(values::problems(&settings));
    errors.extend(problems);
    Some(settings)
}

fn misfit(name: &str, value: &Value) -> Option<FieldError> {
    if let Some(field) = no_object(name, value) {
        return Some(FieldError::new(field, "must be an object"));
    }
    let mut alone = json!({ "scope": {} });
    alone[name] = value.clone();
    body::value::<ConnectionSettings>(alone).err()
}

/// The field that ought to be an object and is a list: serde would read a list as the object's fields in order.
fn no_object(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Array(_) if OBJECTS.contains(&name) => Some(name.to_owned()),
        Value::Array(rows) if name == "mapping" => {
            rows.iter().position(Value::is_array).map(|index| format!("mapping[{index}]"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_merge_patch_does_what_the_rfc_shows() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (target, patch, expected) in cases {
            let mut target = map(target);
            merge(&mut target, map(patch));
            assert_eq!(Value::Object(target), expected);
        }
    }

    #[test]
    fn every_setting_is_a_field_that_can_be_given() {
        let settings = serde_json::from_value::<ConnectionSettings>(json!({ "scope": {} })).unwrap();
        let stored = map(serde_json::to_value(settings).unwrap());
        let mut stored: Vec<&str> = stored.keys().map(String::as_str).collect();
        let mut known = SETTINGS.to_vec();
        stored.sort_unstable();
        known.sort_unstable();
        assert_eq!(stored, known);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let errors = Document::check(map(json!({
            "name": 7, "tenant_id": "contoso", "nme": "x", "managers": "yes", "photos": 1,
            "credentials": {"client_id": ""},
        })))
        .unwrap_err();
        let mut fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["credentials.client_id", "managers", "name", "nme", "photos", "tenant_id"]);
    }
}
