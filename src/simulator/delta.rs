//! Delta queries: what all rounds share. Graph: delta-query-overview, user-delta, group-delta.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::clock;
use super::directory::Slot;
use super::errors::GraphError;
use super::faults::ExpiredDelta;
use super::filter;
use super::link_tokens;
use super::message::{Grant, Outcome, Request, Response};
use super::options::{Options, Shape};
use super::properties::{Kind, PropertyId};
use super::render::push_field;
use super::world::World;
use super::{delta_changes, delta_listing};

/// Tokens of directory objects live for 7 days.
const TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where a round stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The first round: objects by slot; `member_after` inside of the members of the object at `from`.
    Listing { from: Slot, member_after: Option<Slot>, log_from: u64 },
    /// A later round: changes by number, up to `until` once the round has begun.
    Changes { from: u64, until: Option<u64> },
}

/// What is inside of a delta or next link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DeltaToken {
    kind: Kind,
    tenant: Uuid,
    client_id: Uuid,
    generation: u32,
    issued_at: i64,
    pub(super) select: Option<String>,
    ids: Option<Vec<Uuid>>,
    /// The empty page before this one was given, when empty pages are switched on.
    is_preceded: bool,
    pub(super) phase: Phase,
}

/// What a round shows.
#[derive(Debug)]
pub(super) struct DeltaShape {
    pub(super) kind: Kind,
    pub(super) properties: Vec<PropertyId>,
    /// `manager` of users.
    pub(super) manager: bool,
    /// `members` of groups.
    pub(super) members: bool,
    /// Only changed properties: `Prefer: return=minimal`.
    pub(super) minimal: bool,
    ids: Option<Vec<Uuid>>,
    context: String,
}

impl DeltaShape {
    fn read(world: &World, request: &Request, token: &DeltaToken) -> Result<Self, GraphError> {
        let directory = &world.tenant(token.tenant).directory;
        let relations = match token.kind {
            Kind::User => ["manager", "directReports"],
            Kind::Group => ["members", "owners"],
        };
        let names = token.select.as_deref().map(|select| select.split(',').map(str::trim).collect::<Vec<_>>());
        let wants = |relation: &str| names.iter().flatten().any(|name| name.eq_ignore_ascii_case(relation));
        let is_property = |name: &&str| !relations.iter().any(|relation| relation.eq_ignore_ascii_case(name));
        let plain = names.as_ref().map(|names| names.iter().copied().filter(is_property).collect::<Vec<_>>().join(","));
        let properties = match plain.as_deref() {
            Some("") => Vec::new(),
            plain => Shape::select(directory, plain, &[token.kind], false)?.of(token.kind).to_vec(),
        };
        let shown = token.select.as_ref().map(|select| format!("({select})")).unwrap_or_default();
        Ok(Self {
            kind: token.kind,
            properties,
            manager: wants("manager"),
            members: wants("members"),
            minimal: request.header("prefer").is_some_and(|prefer| prefer.contains("return=minimal")),
            ids: token.ids.clone(),
            context: request.context(&format!("{}{shown}", token.kind.collection())),
        })
    }

    /// Whether the filter lets this object through.
    pub(super) fn concerns(&self, id: Uuid) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }
}

/// One page: its objects as JSON texts, and where the walk goes on.
#[derive(Debug)]
pub(super) struct DeltaPage {
    pub(super) items: Vec<String>,
    /// The next page of this round, or none when the round is over.
    pub(super) next: Option<Phase>,
    /// Where the next round begins.
    pub(super) log_from: u64,
}

/// `GET /users/delta`, `GET /groups/delta`.
pub(super) fn answer(world: &World, request: &Request, grant: &Grant, options: &Options, kind: Kind) -> Outcome {
    options.allow(&["$select", "$filter", "$deltatoken", "$skiptoken"])?;
    let mut token = match (options.get("$deltatoken"), options.get("$skiptoken")) {
        (None | Some(""), None) => world.first_token(grant, options, kind, false)?,
        (Some("latest"), None) => world.first_token(grant, options, kind, true)?,
        (Some(text), None) | (None, Some(text)) => world.known_token(request, grant, options, kind, text)?,
        (Some(_), Some(_)) => return Err(GraphError::bad_request("$deltatoken and $skiptoken exclude each other.")),
    };
    let shape = DeltaShape::read(world, request, &token)?;
    if options.get("$deltatoken") == Some("latest") {
        return Ok(world.written(
            request,
            &shape,
            &token,
            DeltaPage { items: Vec::new(), next: None, log_from: world.log_end(grant) },
        ));
    }
    if world.faults.empty_delta_pages && !token.is_preceded {
        token.is_preceded = true;
        let page = DeltaPage { items: Vec::new(), next: Some(token.phase), log_from: 0 };
        return Ok(world.written(request, &shape, &token, page));
    }
    token.is_preceded = false;
    let page = match token.phase {
        Phase::Listing { from, member_after, log_from } => {
            delta_listing::page(world, grant, &shape, (from, member_after), log_from)
        }
        Phase::Changes { from, until } => {
            let until = until.unwrap_or_else(|| world.log_end(grant));
            delta_changes::page(world, grant, &shape, from, until)
        }
    };
    Ok(world.written(request, &shape, &token, page))
}

impl World {
    fn log_end(&self, grant: &Grant) -> u64 {
        self.tenant(grant.tenant).directory.log.end()
    }

    fn first_token(
        &self,
        grant: &Grant,
        options: &Options,
        kind: Kind,
        latest: bool,
    ) -> Result<DeltaToken, GraphError> {
        let log_from = self.log_end(grant);
        let phase = match latest {
            true => Phase::Changes { from: log_from, until: None },
            false => Phase::Listing { from: 0, member_after: None, log_from },
        };
        Ok(DeltaToken {
            kind,
            tenant: grant.tenant,
            client_id: grant.client_id,
            generation: self.tenant(grant.tenant).delta_generation,
            issued_at: self.now(),
            select: options.get("$select").map(|select| select.replace(' ', "")),
            ids: options.get("$filter").map(filter::delta_ids).transpose()?,
            is_preceded: false,
            phase,
        })
    }

    /// Reads the token of a link.
    ///
    /// # Errors
    /// 400 for a token that was edited or given to another, and with options besides it; the expired ones as the
    /// switch says.
    fn known_token(
        &self,
        request: &Request,
        grant: &Grant,
        options: &Options,
        kind: Kind,
        text: &str,
    ) -> Result<DeltaToken, GraphError> {
        let invalid = |message: &str| GraphError::new(400, "Request_BadRequest", message);
        let token = link_tokens::decode::<DeltaToken>(&self.link_secret, text);
        let is_theirs = |token: &DeltaToken| {
            token.kind == kind && token.tenant == grant.tenant && token.client_id == grant.client_id
        };
        let token = token.filter(is_theirs).ok_or_else(|| invalid("Badly formed token."))?;
        if options.has("$select") || options.has("$filter") {
            return Err(invalid("A link already carries its options; $select and $filter cannot be added."));
        }
        let tenant = self.tenant(grant.tenant);
        let from = match token.phase {
            Phase::Listing { log_from, .. } => log_from,
            Phase::Changes { from, .. } => from,
        };
        let is_current = token.generation == tenant.delta_generation
            && self.now() - token.issued_at <= clock::micros(TOKEN_LIFETIME)
            && tenant.directory.log.reaches_back_to(from);
        if is_current { Ok(token) } else { Err(self.expired(request, &token)) }
    }

    fn expired(&self, request: &Request, token: &DeltaToken) -> GraphError {
        let message = "The sync state generation is not found; synchronize from the start.";
        match self.faults.expired_delta {
            ExpiredDelta::SyncStateNotFound => GraphError::new(400, "SyncStateNotFound", message),
            ExpiredDelta::Gone => {
                let select = token.select.as_ref().map(|select| format!("$select={select}&")).unwrap_or_default();
                let path = token.kind.collection();
                let location = format!("{}/v1.0/{path}/delta?{select}$deltatoken=", request.base_url);
                GraphError::new(410, "SyncStateNotFound", message).with_header("Location", location)
            }
        }
    }

    fn written(&self, request: &Request, shape: &DeltaShape, token: &DeltaToken, page: DeltaPage) -> Response {
        let (link, option, phase) = match page.next {
            Some(phase) => ("@odata.nextLink", "$skiptoken", phase),
            None => ("@odata.deltaLink", "$deltatoken", Phase::Changes { from: page.log_from, until: None }),
        };
        let token = DeltaToken { phase, issued_at: self.now(), ..token.clone() };
        let token = link_tokens::encode(&self.link_secret, &token);
        let url = format!("{}/v1.0/{}/delta?{option}={token}", request.base_url, shape.kind.collection());
        let mut out = String::from("{");
        push_field(&mut out, "@odata.context", &Value::from(shape.context.as_str()).to_string());
        push_field(&mut out, link, &Value::from(url).to_string());
        out.push_str("\"value\":[");
        out.push_str(&page.items.join(","));
        out.push_str("]}");
        Response::json(200, out)
    }
}
