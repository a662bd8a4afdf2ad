//! PostgreSQL: one throw-away server for many tests, a database for each test.
//!
//! `make test` starts the server (`scripts/with-postgres`) and names it in `ROLLCALL_TEST_POSTGRES_URL`, because nextest
//! runs every test in a process of its own. Where the variable is missing, the first test of a process starts a server by
//! the same script, for this process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use diesel::{Connection, PgConnection, RunQueryDsl};
use url::Url;
use uuid::Uuid;

use super::{Storage, TestDatabase};

const SERVER_VARIABLE: &str = "ROLLCALL_TEST_POSTGRES_URL";

/// An empty database on the server of this run.
pub fn fresh_database() -> TestDatabase {
    let database = ServerDatabase { name: format!("rollcall_test_{}", Uuid::new_v4().simple()) };
    // template0 rather than template1, because nobody can be connected to it, which would make the copy fail.
    execute_on_server(&format!("CREATE DATABASE {} TEMPLATE template0", database.name));
    let mut url = Url::parse(server_url()).expect("the server's address is a URL");
    url.set_path(&database.name);
    TestDatabase { url: url.into(), _storage: Storage::Server(database) }
}

/// A database on the server, dropped with this value even while connections to it are open.
#[derive(Debug)]
pub struct ServerDatabase {
    name: String,
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        // A second panic would end the process and hide the first one; the server goes away with what is left.
        if !std::thread::panicking() {
            execute_on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

fn execute_on_server(statement: &str) {
    let mut connection = PgConnection::establish(server_url()).expect("the test server answers");
    diesel::sql_query(statement).execute(&mut connection).expect("the test server does as told");
}

/// The address of the server's database `postgres`, as a superuser.
fn server_url() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    &SERVER.get_or_init(Server::of_this_run).url
}

struct Server {
    url: String,
    /// Waits on our end of its standard input: it stops the server when this process ends, however that happens.
    _keeper: Option<Child>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the variable belongs to the tests, not to the settings")]
    fn of_this_run() -> Self {
        match std::env::var(SERVER_VARIABLE) {
            Ok(url) if !url.is_empty() => Self { url, _keeper: None },
            _ => Self::of_this_process(),
        }
    }

    fn of_this_process() -> Self {
        let mut keeper = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/with-postgres"))
            .args(["sh", "-c", &format!("echo \"${SERVER_VARIABLE}\"; exec cat")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("scripts/with-postgres can be run");
        let mut url = String::new();
        let stdout = keeper.stdout.take().expect("the output is piped");
        BufReader::new(stdout).read_line(&mut url).expect("the output is text");
        if url.is_empty() {
            let mut reason = String::new();
            let mut stderr = keeper.stderr.take().expect("the errors are piped");
            stderr.read_to_string(&mut reason).expect("the errors are text");
            panic!("no PostgreSQL server for this test: {reason}");
        }
        Self { url: url.trim_end().to_owned(), _keeper: Some(keeper) }
    }
}
