//! A small HTTP/1.1 server on threads of its own: records what it is asked, answers what the script says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use url::Url;

type Script = dyn Fn(&Request) -> Canned + Send + Sync;

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub raw_query: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Counts requests of any kind from 1.
    pub number: usize,
    /// Counts token requests from 1; the last number on other requests.
    pub token_number: usize,
}

impl Request {
    pub fn is_token(&self) -> bool {
        self.path.ends_with("/token")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn bearer(&self) -> &str {
        self.headers["authorization"].strip_prefix("Bearer ").unwrap()
    }
}

/// A canned answer.
#[derive(Clone, Debug)]
pub struct Canned {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    promised_extra: usize,
}

impl Canned {
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), promised_extra: 0 }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self::text(status, body.to_string()).with("Content-Type", "application/json")
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Promises more bytes than come before the connection ends.
    pub fn cut(mut self) -> Self {
        self.promised_extra = 100;
        self
    }
}

pub struct Server {
    pub url: Url,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(script: impl Fn(&Request) -> Canned + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let recorded = requests.clone();
        let script: Arc<Script> = Arc::new(script);
        let tokens = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, recorded, tokens) = (script.clone(), recorded.clone(), tokens.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &*script, &recorded, &tokens));
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, script: &Script, recorded: &Mutex<Vec<Request>>, tokens: &AtomicUsize) {
    let Some(mut request) = read(&stream) else { return };
    request.token_number = tokens.fetch_add(usize::from(request.is_token()), Ordering::SeqCst);
    request.token_number += usize::from(request.is_token());
    {
        let mut recorded = recorded.lock().unwrap();
        request.number = recorded.len() + 1;
        recorded.push(request.clone());
    }
    let canned = script(&request);
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", canned.status);
    head += &format!("Content-Length: {}\r\n", canned.body.len() + canned.promised_extra);
    for (name, value) in &canned.headers {
        head += &format!("{name}: {value}\r\n");
    }
    // The client may have hung up on purpose.
    stream.write_all(format!("{head}\r\n{}", canned.body).as_bytes()).ok();
    stream.shutdown(Shutdown::Write).ok();
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers = read_headers(&mut reader);
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = Url::parse("http://server").unwrap().join(&target).unwrap();
    Some(Request {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        raw_query: url.query().unwrap_or_default().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
        number: 0,
        token_number: 0,
    })
}

fn read_headers(reader: &mut impl BufRead) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { return headers };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}
