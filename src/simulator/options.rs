//! OData query options: what a request may ask for, and what it then shows.

use url::form_urlencoded;

use super::directory::Directory;
use super::errors::GraphError;
use super::properties::{self, Kind, PropertyId, Returned};

/// Objects on a page without `$top`. Graph: user-list.
const PAGE_SIZE: usize = 100;
/// The largest `$top`. Graph: user-list, group-list-members.
const PAGE_SIZE_MAX: usize = 999;
/// Managers above managers, at most. Graph: user-list-manager.
const LEVELS_MAX: usize = 1_000;

/// The query of a request, decoded; names in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// Reads a raw query.
    ///
    /// # Errors
    /// 400 when an option is given twice.
    pub(super) fn parse(query: &str) -> Result<Self, GraphError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let name = name.to_ascii_lowercase();
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(GraphError::bad_request(format!("Query option '{name}' was specified more than once.")));
            }
            pairs.push((name, value.into_owned()));
        }
        Ok(Self { pairs })
    }

    /// Refuses every option that is not allowed here.
    pub(super) fn allow(&self, allowed: &[&str]) -> Result<(), GraphError> {
        match self.pairs.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
            Some((name, _)) => {
                let message = format!("The query parameter '{name}' is not supported for this request.");
                Err(GraphError::unsupported_query(message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The page size.
    ///
    /// # Errors
    /// 400 when it is not between 1 and 999.
    pub(super) fn top(&self) -> Result<usize, GraphError> {
        let Some(text) = self.get("$top") else { return Ok(PAGE_SIZE) };
        match text.parse() {
            Ok(top) if (1..=PAGE_SIZE_MAX).contains(&top) => Ok(top),
            _ => Err(GraphError::bad_request(format!(
                "Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive."
            ))),
        }
    }

    /// Whether to count.
    ///
    /// # Errors
    /// 400 when counting is asked for without `ConsistencyLevel: eventual`. Graph: aad-advanced-queries.
    pub(super) fn counts(&self, is_eventual: bool) -> Result<bool, GraphError> {
        match self.get("$count") {
            None | Some("false") => Ok(false),
            Some("true") if is_eventual => Ok(true),
            Some("true") => Err(GraphError::unsupported_query("$count is not currently supported.")),
            Some(other) => Err(GraphError::bad_request(format!("Invalid value '{other}' for $count query option."))),
        }
    }

    /// Everything but the skip token, in an order of its own: what a next link must repeat.
    pub(super) fn fingerprint(&self) -> String {
        let mut pairs: Vec<_> = self.pairs.iter().filter(|(name, _)| name != "$skiptoken").collect();
        pairs.sort();
        format!("{pairs:?}")
    }
}

/// What of an object is shown.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    user: Vec<PropertyId>,
    group: Vec<PropertyId>,
    pub(super) manager: Option<Expansion>,
    /// `(id,displayName)` for the context, empty without `$select`.
    pub(super) context: String,
}

/// The manager inside of a user.
#[derive(Clone, Debug)]
pub(super) struct Expansion {
    pub(super) levels: usize,
    pub(super) properties: Vec<PropertyId>,
}

impl Shape {
    pub(super) fn of(&self, kind: Kind) -> &[PropertyId] {
        match kind {
            Kind::User => &self.user,
            Kind::Group => &self.group,
        }
    }

    /// Reads `$select` for objects of these kinds, `single` when one object is asked for.
    ///
    /// # Errors
    /// 400 for names none of the kinds has, 501 for properties a collection does not give.
    pub(super) fn select(
        directory: &Directory,
        select: Option<&str>,
        kinds: &[Kind],
        single: bool,
    ) -> Result<Self, GraphError> {
        let of = |kind| match select {
            None => Ok(directory.schema.defaults(kind)),
            Some(select) => selected(directory, select, kind, kinds, single),
        };
        let context = select.map(|select| format!("({})", select.replace(' ', ""))).unwrap_or_default();
        Ok(Self { user: of(Kind::User)?, group: of(Kind::Group)?, manager: None, context })
    }

    /// Reads `$expand`, of which only `manager` is known.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(super) fn expand(mut self, directory: &Directory, expand: Option<&str>) -> Result<Self, GraphError> {
        if let Some(expand) = expand {
            self.manager = Some(expansion(directory, expand.trim())?);
        }
        Ok(self)
    }
}

fn selected(
    directory: &Directory,
    select: &str,
    kind: Kind,
    kinds: &[Kind],
    single: bool,
) -> Result<Vec<PropertyId>, GraphError> {
    let mut ids = Vec::new();
    for name in select.split(',').map(str::trim) {
        let known = kinds.iter().any(|kind| directory.schema.find(*kind, name).is_some());
        if !known && !properties::is_extension(name) {
            let expected = kinds.first().map_or("", |kind| kind.odata_type()).trim_start_matches('#');
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{expected}'."
            );
            return Err(GraphError::new(400, "BadRequest", message));
        }
        let Some(id) = directory.schema.find(kind, name) else { continue };
        if !single && directory.schema.returned(kind, id) == Returned::SingleOnly {
            return Err(GraphError::new(
                501,
                "NotImplemented",
                format!("'{name}' is supported on single objects only."),
            ));
        }
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn expansion(directory: &Directory, expand: &str) -> Result<Expansion, GraphError> {
    let refuse =
        |why: &str| GraphError::new(400, "BadRequest", format!("Parsing OData Select and Expand failed: {why}"));
    if expand.eq_ignore_ascii_case("manager") {
        return Ok(Expansion { levels: 1, properties: directory.schema.defaults(Kind::User) });
    }
    let inner = expand.strip_prefix("manager(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.ok_or_else(|| refuse("only manager can be expanded."))?;
    let (mut levels, mut properties) = (None, None);
    for option in inner.split(';') {
        match option.trim().split_once('=') {
            Some(("$levels", "max")) => levels = Some(LEVELS_MAX),
            Some(("$levels", number)) => {
                levels = number.parse().ok().filter(|levels| (1..=LEVELS_MAX).contains(levels))
            }
            Some(("$select", select)) => {
                properties = Some(selected(directory, select, Kind::User, &[Kind::User], true)?)
            }
            _ => return Err(refuse("unknown option inside of $expand.")),
        }
    }
    let levels =
        levels.ok_or_else(|| refuse("$levels from 1 to 1000 is required with options inside of $expand=manager."))?;
    Ok(Expansion { levels, properties: properties.unwrap_or_else(|| directory.schema.defaults(Kind::User)) })
}
