//! A plain client, and an endpoint that notifications can be sent to.

use std::sync::{Arc, Mutex};

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::simulator::{Running, Simulator, SimulatorSettings, Tenant};

/// An answer, read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn value(&self) -> &Vec<Value> {
        self.body["value"].as_array().unwrap()
    }

    pub(super) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `id` of every element.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.value().iter().map(|item| item["id"].as_str().unwrap()).collect()
    }
}

/// A running simulator with one tenant and a token for it.
pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) running: Running,
    pub(super) tenant: Tenant,
    pub(super) client: reqwest::Client,
    pub(super) token: String,
}

impl Stage {
    pub(super) async fn start() -> Self {
        Self::with(SimulatorSettings { seed: 7, ..Default::default() }).await
    }

    pub(super) async fn with(settings: SimulatorSettings) -> Self {
        let simulator = Simulator::new(settings);
        let running = simulator.serve("127.0.0.1:0").await.unwrap();
        let tenant = simulator.add_tenant("contoso");
        let mut stage = Self { simulator, running, tenant, client: client(), token: String::new() };
        stage.token = stage.token_for(&stage.tenant).await;
        stage
    }

    pub(super) async fn token_for(&self, tenant: &Tenant) -> String {
        let answer = self.login(&tenant.id().to_string(), &credentials(tenant)).await;
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn login(&self, authority: &str, form: &[(&str, String)]) -> Answer {
        let url = format!("{}/{authority}/oauth2/v2.0/token", self.running.login_url());
        read(self.client.post(url).form(form)).await
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}/v1.0/{path}", self.running.graph_url()) }
    }

    /// A GET by path below the version, or by a whole link.
    pub(super) async fn get(&self, path: &str) -> Answer {
        read(self.client.get(self.url(path)).bearer_auth(&self.token)).await
    }

    /// A GET that may read the lagging index.
    pub(super) async fn get_eventual(&self, path: &str) -> Answer {
        let request = self.client.get(self.url(path)).bearer_auth(&self.token);
        read(request.header("ConsistencyLevel", "eventual")).await
    }

    pub(super) async fn get_minimal(&self, path: &str) -> Answer {
        let request = self.client.get(self.url(path)).bearer_auth(&self.token);
        read(request.header("Prefer", "return=minimal")).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(path)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// Every object of a collection, page by page.
    pub(super) async fn walk(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.get_eventual(&path).await;
            assert_eq!(page.status, 200, "{:?}", page.body);
            items.extend(page.value().clone());
            next = page.body["@odata.nextLink"].as_str().map(str::to_owned);
        }
        items
    }

    /// A whole delta round: everything in it, and the link for the next.
    pub(super) async fn round(&self, path: &str) -> (Vec<Value>, String) {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await;
            assert_eq!(page.status, 200, "{:?}", page.body);
            items.extend(page.value().clone());
            match page.body["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return (items, page.body["@odata.deltaLink"].as_str().unwrap().to_owned()),
            }
        }
    }

    pub(super) async fn stop(self) {
        self.running.stop().await;
    }
}

pub(super) fn credentials(tenant: &Tenant) -> Vec<(&'static str, String)> {
    vec![
        ("client_id", tenant.client_id().to_string()),
        ("client_secret", tenant.client_secret()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ("grant_type", "client_credentials".to_owned()),
    ]
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(super) async fn read(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}

/// What an endpoint got, and how it is to behave.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// Bodies of notifications.
    pub(super) bodies: Vec<Value>,
    /// Paths of handshakes.
    pub(super) handshakes: Vec<String>,
    /// The status for notifications instead of 202.
    pub(super) refuse_with: Option<u16>,
    /// Handshakes are answered with this instead of the token.
    pub(super) echo_instead: Option<(u16, String)>,
}

/// A customer's endpoint for notifications.
pub(super) struct Endpoint {
    pub(super) url: String,
    mailbox: Arc<Mutex<Mailbox>>,
    handle: actix_web::dev::ServerHandle,
}

impl Endpoint {
    pub(super) fn start() -> Self {
        let mailbox = Arc::new(Mutex::new(Mailbox::default()));
        let data = Data::from(mailbox.clone());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(receive)));
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, mailbox, handle }
    }

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Mailbox) -> T) -> T {
        change(&mut self.mailbox.lock().unwrap())
    }

    /// Every item received so far, in its order.
    pub(super) fn items(&self) -> Vec<Value> {
        self.with(|mailbox| mailbox.bodies.iter().flat_map(|body| body["value"].as_array().unwrap().clone()).collect())
    }

    /// The body of a subscription to this endpoint.
    pub(super) fn subscription(&self, resource: &str, expires_at: chrono::DateTime<chrono::Utc>) -> Value {
        json!({
            "changeType": "updated,deleted",
            "notificationUrl": format!("{}/notifications?shared=1", self.url),
            "lifecycleNotificationUrl": format!("{}/lifecycle", self.url),
            "resource": resource,
            "expirationDateTime": expires_at.to_rfc3339(),
            "clientState": "s3cret",
        })
    }

    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn receive(request: actix_web::HttpRequest, body: web::Bytes, mailbox: Data<Mutex<Mailbox>>) -> HttpResponse {
    let mut mailbox = mailbox.lock().unwrap();
    let pairs: Vec<_> = url::form_urlencoded::parse(request.query_string().as_bytes()).collect();
    if let Some((_, token)) = pairs.iter().find(|(name, _)| name == "validationToken") {
        mailbox.handshakes.push(request.uri().to_string());
        let (status, text) = mailbox.echo_instead.clone().unwrap_or((200, token.clone().into_owned()));
        let status = actix_web::http::StatusCode::from_u16(status).unwrap();
        return HttpResponse::build(status).content_type("text/plain").body(text);
    }
    mailbox.bodies.push(serde_json::from_slice(&body).unwrap());
    let status = mailbox.refuse_with.unwrap_or(202);
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
