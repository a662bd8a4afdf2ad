//! The `rollcall` command line: one function for each command.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use rollcall::cli::arguments::{Arguments, Command};
use rollcall::cli::{self, CommandError};
use rollcall::demo;

/// How long the end of the process waits for what still runs on threads, such as a database that does not answer.
const THREADS_WAIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    // Wrong usage ends here with status 2, help with 0.
    let arguments = Arguments::parse();
    // Fails only when a provider is installed already, and then that one serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&CommandError::Threads(error)),
    };
    let outcome = runtime.block_on(run(arguments.command));
    runtime.shutdown_timeout(THREADS_WAIT);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &CommandError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Serve(arguments) => cli::serve::serve(arguments).await,
        Command::Demo(arguments) => demo::demo(arguments).await,
        Command::Simulate(arguments) => cli::simulate::simulate(arguments).await,
        Command::Migrate(arguments) => cli::migrate::migrate(arguments).await,
        Command::Connection(arguments) => cli::connection::connection(arguments).await,
        Command::Sync(arguments) => cli::sync::sync(arguments).await,
        Command::Subscriptions(arguments) => cli::subscriptions::subscriptions(arguments).await,
    }
}
