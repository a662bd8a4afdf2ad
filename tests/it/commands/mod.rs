//! The commands, as an operator runs them: the real binary, its exit status, and what it prints.

mod admin;
mod demo;
mod migrate;
mod serve;
mod simulate;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The bootstrap token of every service here.
pub const TOKEN: &str = "a-token-of-thirty-two-characters";

/// A master key: 32 zero bytes.
pub const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A client for what the commands serve.
pub fn http() -> reqwest::Client {
    // Only the first test of a process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Settings of a command; nothing of the surroundings counts.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.insert(name, value.to_string());
        self
    }

    /// What `serve` needs, on ports of the system's choice.
    pub fn of_service(database_url: &str) -> Self {
        Self::default()
            .with("ROLLCALL_DATABASE_URL", database_url)
            .with("ROLLCALL_PUBLIC_URL", "http://127.0.0.1:1")
            .with("ROLLCALL_PUBLIC_LISTEN", "127.0.0.1:0")
            .with("ROLLCALL_ADMIN_LISTEN", "127.0.0.1:0")
            .with("ROLLCALL_MASTER_KEY", MASTER_KEY)
            .with("ROLLCALL_ADMIN_TOKEN", TOKEN)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        // In a folder without a settings file.
        command.args(arguments).env_clear().envs(&self.0).current_dir(std::env::temp_dir()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Starts a command that goes on.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed, when it has done what it was asked for.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The one sentence on stderr, when it has failed.
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        let sentence = self.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{self:?}"));
        sentence.trim_end().to_owned()
    }
}

/// A command at work; killed when it is dropped.
pub struct Running(Child);

impl Running {
    /// The first lines on stdout.
    pub fn first_lines(&mut self, count: usize) -> Vec<String> {
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        lines.take(count).map(Result::unwrap).collect()
    }

    /// The first line on stderr.
    pub fn first_line_of_log(&mut self) -> String {
        BufReader::new(self.0.stderr.as_mut().unwrap()).lines().next().unwrap().unwrap()
    }

    /// Reads the log up to the line that says where the service listens; returns the address of the admin listener.
    pub fn admin_url(&mut self) -> String {
        let log = BufReader::new(self.0.stderr.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        let listening = lines.find(|line| line.contains("\"Listening\"")).expect("it ended before it listened");
        // Read on, so that it never waits for a reader.
        std::thread::spawn(move || lines.count());
        let fields: serde_json::Value = serde_json::from_str(&listening).unwrap();
        format!("http://{}", fields["admin"].as_str().unwrap())
    }

    /// Asks it to end and waits until it has; returns how it ended and what was left on stdout.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.0.wait().unwrap();
        let mut rest = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After its end there is nothing to kill, and nothing to do about it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let nothing = Environment::default();
    for wrong in [&[][..], &["bogus"], &["serve", "--bogus"], &["sync"], &["sync", "a", "--full", "--user", "b"]] {
        assert_eq!(nothing.run(wrong).code, Some(2), "{wrong:?}");
    }
    for command in ["serve", "demo", "simulate", "migrate", "connection", "sync", "subscriptions"] {
        assert!(nothing.run(&[command, "--help"]).done().contains("Usage: rollcall"), "{command}");
    }
}
