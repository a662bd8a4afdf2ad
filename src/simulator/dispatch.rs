//! One request from its token to its answer; a sub-request of a batch goes the same way.

use super::errors::{self, GraphError};
use super::members::Links;
use super::message::{Grant, Outcome, Request, Response};
use super::options::Options;
use super::properties::Kind;
use super::routes::{self, Operation};
use super::subscription_requests as subscriptions;
use super::world::{Shared, World};
use super::{batch, by_ids, deleted, delta, listing, members, objects, permissions, photos, throttling};

/// Answers a request that came by HTTP.
pub(super) async fn answer(shared: &Shared, request: Request) -> Response {
    let delay = {
        let mut world = shared.lock();
        world.counters.requests += 1;
        world.faults.answer_delay
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if request.path.eq_ignore_ascii_case("$batch") {
        batch::answer(shared, &request).await
    } else {
        one(shared, &request).await
    }
}

/// Answers one request, batch or not, with the headers every answer of Graph carries.
pub(super) async fn one(shared: &Shared, request: &Request) -> Response {
    let mut told = Vec::new();
    let outcome = run(shared, request, &mut told).await;
    finish(shared, request, outcome, told)
}

/// Turns an outcome into the answer.
pub(super) fn finish(
    shared: &Shared,
    request: &Request,
    outcome: Outcome,
    told: Vec<(&'static str, String)>,
) -> Response {
    let mut world = shared.lock();
    let request_id = world.fresh_id();
    let now = world.now();
    drop(world);
    let fallback = request_id.to_string();
    let client_request_id = request.header("client-request-id").unwrap_or(&fallback).to_owned();
    let mut response = outcome.unwrap_or_else(|error| error.into_response(now, request_id, &client_request_id));
    response.headers.extend(told);
    response.headers.push(("request-id", request_id.to_string()));
    response.headers.push(("client-request-id", client_request_id));
    response
}

async fn run(shared: &Shared, request: &Request, told: &mut Vec<(&'static str, String)>) -> Outcome {
    let (grant, operation, options) = admit(&mut shared.lock(), request, told)?;
    match operation {
        Operation::SubscriptionCreate => subscriptions::create(shared, request, &grant).await,
        Operation::SubscriptionUpdate(id) => subscriptions::update(shared, request, &grant, &id).await,
        Operation::DeletedRestore(id) => {
            shared.edit(grant.tenant, |world| deleted::restore(world, request, &grant, &id))
        }
        Operation::DeletedPurge(id) => shared.edit(grant.tenant, |world| deleted::purge(world, &grant, &id)),
        operation => perform(&mut shared.lock(), request, &grant, &options, operation),
    }
}

/// Token, path, forced failure, quota, permission: in this order.
fn admit(
    world: &mut World,
    request: &Request,
    told: &mut Vec<(&'static str, String)>,
) -> Result<(Grant, Operation, Options), GraphError> {
    let grant = world.authenticate(request)?;
    let operation = routes::find(&request.method, &request.path)?;
    world.counters.count(operation.name());
    if let Some(status) = world.faults.take_failure(operation.name()) {
        return Err(errors::forced(status));
    }
    let options = Options::parse(&request.query)?;
    let units = throttling::units(&operation, &options);
    let (charge, within_quota) = world.charge(&grant, units);
    told.extend(charge.headers());
    within_quota?;
    permissions::check(&grant, &operation)?;
    Ok((grant, operation, options))
}

impl World {
    /// Finds who asks by the bearer token.
    ///
    /// # Errors
    /// 401 when there is none, or an unknown or expired one.
    pub(super) fn authenticate(&self, request: &Request) -> Result<Grant, GraphError> {
        let refuse = |message: &str| GraphError::new(401, "InvalidAuthenticationToken", message);
        let header = request.header("authorization").unwrap_or_default();
        let scheme = header.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer "));
        let (_, token) = scheme.ok_or_else(|| refuse("Access token is empty."))?;
        let grant = self.grants.get(token.trim()).ok_or_else(|| refuse("Access token validation failure."))?;
        if grant.expires_at <= self.now() {
            return Err(refuse("Lifetime validation failed, the token is expired."));
        }
        Ok(grant.clone())
    }
}

fn perform(world: &mut World, request: &Request, grant: &Grant, options: &Options, operation: Operation) -> Outcome {
    match operation {
        Operation::List(kind) => listing::list(world, request, grant, options, kind),
        Operation::Count(kind) => listing::count(world, request, grant, options, kind),
        Operation::Get(kind, id) => objects::get(world, request, grant, options, (kind, &id)),
        Operation::Manager(user) => objects::manager(world, request, grant, options, &user),
        Operation::Members { group, transitive, cast } => {
            let links = Links { id: &group, kind: Kind::Group, transitive, cast };
            members::members(world, request, grant, options, &links)
        }
        Operation::MemberOf { kind, id, transitive, cast } => {
            let links = Links { id: &id, kind, transitive, cast };
            members::member_of(world, request, grant, options, &links)
        }
        Operation::GetByIds => by_ids::get_by_ids(world, request, grant, options),
        Operation::Delta(kind) => delta::answer(world, request, grant, options, kind),
        Operation::DeletedList(kind) => deleted::list(world, request, grant, options, kind),
        Operation::DeletedGet(id) => deleted::get(world, request, grant, options, &id),
        Operation::Photo { user, value } => photos::get(world, request, grant, &user, value),
        Operation::Organization => objects::organization(world, request, grant, options),
        Operation::SubscriptionList => subscriptions::list(world, request, grant, options),
        Operation::SubscriptionGet(id) => subscriptions::get(world, request, grant, &id),
        Operation::SubscriptionDelete(id) => subscriptions::delete(world, grant, &id),
        Operation::SubscriptionReauthorize(id) => subscriptions::reauthorize(world, grant, &id),
        Operation::SubscriptionCreate
        | Operation::SubscriptionUpdate(_)
        | Operation::DeletedRestore(_)
        | Operation::DeletedPurge(_) => unreachable!("performed outside of the lock or as an edit"),
    }
}
