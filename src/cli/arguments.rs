//! What each command takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps an application's accounts and teams in step with its customers' Microsoft Entra ID.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, arg_required_else_help = true, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service: listeners, workers and schedules in one process
    Serve(ServeArguments),
    /// Show the service at work against a simulated tenant, on this machine alone
    Demo(DemoArguments),
    /// Run only the simulated Graph and login service
    Simulate(SimulateArguments),
    /// Apply pending migrations and print what was applied
    Migrate(ConfigArguments),
    /// Look after connections, over the admin API
    Connection(ConnectionArguments),
    /// Synchronize a connection now and wait until it is done, over the admin API
    Sync(SyncArguments),
    /// Look after Graph subscriptions, over the admin API
    Subscriptions(SubscriptionsArguments),
}

/// Where the settings are.
#[derive(Args, Clone, Debug)]
pub struct ConfigArguments {
    /// The settings file [default: $ROLLCALL_CONFIG, else rollcall.toml if there is one]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
}

/// What `serve` takes.
#[derive(Args, Debug)]
pub struct ServeArguments {
    /// The settings.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Refuse to start when migrations are pending, instead of applying them
    #[arg(long)]
    pub no_migrate: bool,
}

/// What `demo` takes.
#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Keep the database and the master key in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// People in the simulated tenant
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(60..=20_000))]
    pub users: u32,
    /// Joiners, movers and leavers in a minute
    #[arg(long, value_name = "R", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub changes_per_minute: u32,
    /// Play a bounded life, print what was expected and what was found, and end
    #[arg(long)]
    pub once: bool,
    /// Levels of the log on stderr, as in ROLLCALL_LOG [default: warn; with --once: error]
    #[arg(long, value_name = "LEVELS")]
    pub log: Option<String>,
}

/// What `simulate` takes.
#[derive(Args, Debug)]
pub struct SimulateArguments {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: std::net::SocketAddr,
    /// Random people to add
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub users: usize,
    /// Random groups to add
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub groups: usize,
    /// Decides every id, secret and random person
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What every command over the admin API takes.
#[derive(Args, Debug)]
pub struct ApiArguments {
    /// The settings.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `connection` takes.
#[derive(Args, Debug)]
pub struct ConnectionArguments {
    /// What to do.
    #[command(subcommand)]
    pub act: ConnectionAct,
}

/// What can be done with connections.
#[derive(Debug, Subcommand)]
pub enum ConnectionAct {
    /// List all connections
    List(ApiArguments),
    /// Show one connection
    Show(OneConnection),
    /// Stop applying changes; they are still accepted and kept
    Pause(OneConnection),
    /// Go on after a pause
    Resume(OneConnection),
    /// Remove a connection with its accounts, teams and log; its events stay readable
    Remove(OneConnection),
}

/// One connection.
#[derive(Args, Debug)]
pub struct OneConnection {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    pub id: String,
    /// What every command over the admin API takes.
    #[command(flatten)]
    pub api: ApiArguments,
}

/// What `sync` takes.
#[derive(Args, Debug)]
pub struct SyncArguments {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    pub id: String,
    /// Compare everybody, instead of reading delta and working off the queue
    #[arg(long, conflicts_with = "user")]
    pub full: bool,
    /// Only print what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Only this person
    #[arg(long, value_name = "UPN_OR_ID")]
    pub user: Option<String>,
    /// What every command over the admin API takes.
    #[command(flatten)]
    pub api: ApiArguments,
}

/// What `subscriptions` takes.
#[derive(Args, Debug)]
pub struct SubscriptionsArguments {
    /// What to do.
    #[command(subcommand)]
    pub act: SubscriptionsAct,
}

/// What can be done with subscriptions.
#[derive(Debug, Subcommand)]
pub enum SubscriptionsAct {
    /// List subscriptions
    List(ListSubscriptions),
    /// Renew subscriptions; those that are gone are made again
    Renew(RenewSubscriptions),
}

/// What `subscriptions list` takes.
#[derive(Args, Debug)]
pub struct ListSubscriptions {
    /// Only of this connection
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// What every command over the admin API takes.
    #[command(flatten)]
    pub api: ApiArguments,
}

/// What `subscriptions renew` takes.
#[derive(Args, Debug)]
pub struct RenewSubscriptions {
    /// Only of this connection
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Also those that live long enough
    #[arg(long)]
    pub force: bool,
    /// What every command over the admin API takes.
    #[command(flatten)]
    pub api: ApiArguments,
}
