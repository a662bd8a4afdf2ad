//! Objects as JSON text, with exactly what was asked for.

use super::directory::{Directory, Object, Slot};
use super::options::{Expansion, Shape};
use super::properties::{ID, Kind, PropertyId};

/// Writes objects of one answer.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) directory: &'a Directory,
    pub(super) shape: &'a Shape,
    /// Whether `@odata.type` is written: where kinds may mix.
    pub(super) typed: bool,
    /// The kinds whose properties the caller may read; of others only id and type are shown, the rest is null.
    pub(super) readable: Readable,
}

/// What a caller may read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readable {
    pub(super) users: bool,
    pub(super) groups: bool,
}

impl Readable {
    pub(super) fn kind(self, kind: Kind) -> bool {
        match kind {
            Kind::User => self.users,
            Kind::Group => self.groups,
        }
    }
}

impl Writer<'_> {
    /// Appends one object.
    pub(super) fn write(&self, out: &mut String, slot: Slot) {
        let object = self.directory.object(slot);
        out.push('{');
        if self.typed {
            push_field(out, "@odata.type", &format!("\"{}\"", object.kind.odata_type()));
        }
        let limited = !self.readable.kind(object.kind);
        for property in self.shape.of(object.kind) {
            push_property(out, self.directory, object, *property, limited);
        }
        if let Some(expansion) = self.shape.manager.as_ref().filter(|_| object.kind == Kind::User && !limited) {
            push_manager(out, self.directory, slot, expansion, expansion.levels);
        }
        close(out);
    }

    /// One object alone, after its `@odata.context`.
    pub(super) fn entity(&self, context: &str, slot: Slot) -> String {
        let mut inner = String::new();
        self.write(&mut inner, slot);
        with_context(context, &inner)
    }

    /// All these objects, joined.
    pub(super) fn list(&self, slots: impl IntoIterator<Item = Slot>) -> String {
        let mut out = String::new();
        for slot in slots {
            if !out.is_empty() {
                out.push(',');
            }
            self.write(&mut out, slot);
        }
        out
    }
}

/// Puts a context in front of the members of an object.
pub(super) fn with_context(context: &str, object: &str) -> String {
    let mut out = String::from("{");
    push_field(&mut out, "@odata.context", &serde_json::Value::from(context).to_string());
    out.push_str(&object[1..]);
    if object == "{}" {
        out.truncate(out.len() - 2);
        out.push('}');
    }
    out
}

/// Appends `"name":text,`.
pub(super) fn push_field(out: &mut String, name: &str, text: &str) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(text);
    out.push(',');
}

/// Ends an object whose last field left a comma.
pub(super) fn close(out: &mut String) {
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
}

fn push_property(out: &mut String, directory: &Directory, object: &Object, property: PropertyId, limited: bool) {
    let name = directory.schema.name(object.kind, property);
    if property == ID {
        return push_id(out, object);
    }
    let value = object.value(property).map(|value| directory.values.text(value));
    let shown = if limited { Some("null") } else { value.or_else(|| directory.schema.empty(object.kind, property)) };
    if let Some(text) = shown {
        push_field(out, name, text);
    }
}

/// Appends the id.
pub(super) fn push_id(out: &mut String, object: &Object) {
    let mut buffer = uuid::Uuid::encode_buffer();
    out.push_str("\"id\":\"");
    out.push_str(object.id.hyphenated().encode_lower(&mut buffer));
    out.push_str("\",");
}

fn push_manager(out: &mut String, directory: &Directory, slot: Slot, expansion: &Expansion, levels: usize) {
    let Some(manager) = directory.live_manager(slot).filter(|_| levels > 0) else { return };
    out.push_str("\"manager\":{");
    let object = directory.object(manager);
    push_field(out, "@odata.type", &format!("\"{}\"", object.kind.odata_type()));
    for property in &expansion.properties {
        push_property(out, directory, object, *property, false);
    }
    push_manager(out, directory, manager, expansion, levels - 1);
    close(out);
    out.push(',');
}
