//! Collections page by page: `users`, `groups`.

use serde::{Deserialize, Serialize};

use super::directory::Slot;
use super::errors::GraphError;
use super::filter::Filter;
use super::link_tokens;
use super::message::{Content, Grant, Outcome, Request, Response};
use super::options::{Options, Shape};
use super::permissions;
use super::properties::Kind;
use super::render::{Writer, push_field};
use super::world::World;

/// Where a walk over pages stands.
#[derive(Debug, Serialize, Deserialize)]
struct SkipToken {
    after: Slot,
    /// The request it belongs to: a next link is followed as it is.
    of: String,
}

/// The page a request asks for.
#[derive(Debug)]
pub(super) struct Paging<'a> {
    request: &'a Request,
    options: &'a Options,
    secret: [u8; 16],
    pub(super) top: usize,
    /// The last object of the page before, none on the first page.
    pub(super) after: Option<Slot>,
}

impl<'a> Paging<'a> {
    /// Reads `$top` and `$skiptoken`.
    ///
    /// # Errors
    /// 400 for a page size out of range and for a token that is not of this very listing.
    pub(super) fn read(world: &World, request: &'a Request, options: &'a Options) -> Result<Self, GraphError> {
        let mut paging = Self { request, options, secret: world.link_secret, top: options.top()?, after: None };
        if let Some(token) = options.get("$skiptoken") {
            let token = link_tokens::decode::<SkipToken>(&paging.secret, token);
            let token = token.filter(|token| token.of == paging.fingerprint());
            paging.after = Some(token.ok_or_else(wrong_token)?.after);
        }
        Ok(paging)
    }

    fn fingerprint(&self) -> String {
        format!("{}?{}", self.request.path.to_ascii_lowercase(), self.options.fingerprint())
    }

    /// One page of these objects, and whether more follow.
    pub(super) fn take(&self, slots: impl Iterator<Item = Slot>) -> (Vec<Slot>, Option<String>) {
        let mut page: Vec<_> = slots.take(self.top + 1).collect();
        if page.len() <= self.top {
            return (page, None);
        }
        page.truncate(self.top);
        let last = page.last().copied().unwrap_or_default();
        (page, Some(self.next_link(last)))
    }

    fn next_link(&self, after: Slot) -> String {
        let token = link_tokens::encode(&self.secret, &SkipToken { after, of: self.fingerprint() });
        let kept = self.request.query.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
            !pair.is_empty() && name != "$skiptoken" && name != "%24skiptoken"
        });
        let query: Vec<_> = kept.map(str::to_owned).chain([format!("$skiptoken={token}")]).collect();
        format!("{}/v1.0/{}?{}", self.request.base_url, path_encoded(&self.request.path), query.join("&"))
    }
}

/// A path as it is written in a link.
pub(super) fn path_encoded(path: &str) -> String {
    path.replace('%', "%25").replace('#', "%23").replace('?', "%3F").replace(' ', "%20")
}

fn wrong_token() -> GraphError {
    GraphError::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired or is not of this request.",
    )
}

/// The body of a collection.
pub(super) fn collection(context: &str, count: Option<usize>, next_link: Option<String>, items: &str) -> Response {
    let mut out = String::with_capacity(items.len() + 512);
    out.push('{');
    push_field(&mut out, "@odata.context", &serde_json::Value::from(context).to_string());
    if let Some(count) = count {
        push_field(&mut out, "@odata.count", &count.to_string());
    }
    if let Some(link) = next_link {
        push_field(&mut out, "@odata.nextLink", &serde_json::Value::from(link).to_string());
    }
    out.push_str("\"value\":[");
    out.push_str(items);
    out.push_str("]}");
    Response::json(200, out)
}

/// `GET /users`, `GET /groups`.
pub(super) fn list(world: &World, request: &Request, grant: &Grant, options: &Options, kind: Kind) -> Outcome {
    options.allow(match kind {
        Kind::User => &["$select", "$top", "$filter", "$expand", "$count", "$skiptoken"],
        Kind::Group => &["$select", "$top", "$filter", "$count", "$skiptoken"],
    })?;
    let directory = &world.tenant(grant.tenant).directory;
    let shape = Shape::select(directory, options.get("$select"), &[kind], false)?;
    let shape = shape.expand(directory, options.get("$expand"))?;
    let counts = options.counts(request.is_eventual())?;
    let filter = options.get("$filter").map(|filter| Filter::parse(directory, kind, filter)).transpose()?;
    let paging = Paging::read(world, request, options)?;
    let direct = filter.as_ref().and_then(|filter| filter.direct(directory, kind));
    let candidates = |after: Option<Slot>| -> Box<dyn Iterator<Item = Slot> + '_> {
        match (&direct, &filter) {
            (Some(direct), _) => Box::new(direct.iter().copied().filter(move |slot| Some(*slot) > after)),
            (None, filter) => Box::new(directory.after(kind, after).iter().copied().filter(move |slot| {
                directory.object(*slot).is_live()
                    && filter.as_ref().is_none_or(|filter| filter.matches(directory, *slot))
            })),
        }
    };
    let count = (counts && paging.after.is_none()).then(|| match filter {
        Some(_) => candidates(None).count(),
        None => directory.live_count(kind),
    });
    let (page, next_link) = paging.take(candidates(paging.after));
    let writer = Writer { directory, shape: &shape, typed: false, readable: permissions::readable(grant) };
    let context = request.context(&format!("{}{}", kind.collection(), shape.context));
    Ok(collection(&context, count, next_link, &writer.list(page)))
}

/// `GET /users/$count`, `GET /groups/$count`.
pub(super) fn count(world: &World, request: &Request, grant: &Grant, options: &Options, kind: Kind) -> Outcome {
    options.allow(&[])?;
    if !request.is_eventual() {
        return Err(GraphError::unsupported_query("$count is not currently supported."));
    }
    let count = world.tenant(grant.tenant).directory.live_count(kind);
    Ok(Response { status: 200, headers: Vec::new(), content: Content::Text(count.to_string()) })
}
