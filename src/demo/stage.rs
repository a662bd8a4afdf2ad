//! The service and the simulated tenant, side by side in this process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::contoso::Contoso;
use super::data::DataFolder;
use crate::cli::arguments::DemoArguments;
use crate::cli::client::AdminClient;
use crate::cli::{CommandError, serve};
use crate::clock::{Clock as _, SystemClock};
use crate::settings::ServeSettings;
use crate::simulator::{Delivery, Running, Simulator, SimulatorSettings};
use crate::startup::{Application, Migrations, Ports, StartError};
use crate::telemetry::Telemetry;

/// The id of the one connection.
pub const CONNECTION: &str = "contoso";

/// The port looked for first; the admin listener takes the next free one.
const FIRST_PORT: u16 = 8080;

/// Ports tried.
const PORTS_TRIED: u16 = 200;

/// How often the service is built when somebody else is faster at its ports.
const BUILD_ATTEMPT_COUNT_MAX: u32 = 10;

/// How long notifications are on their way. Edits made at once are told at once, as in Graph.
const NOTIFICATION_DELAY: Duration = Duration::from_millis(250);

/// The nightly reconcile is this far away, so that it does not run during a short demonstration.
const RECONCILE_AFTER: Duration = Duration::from_secs(12 * 3_600);

/// The bounded life is the same every time.
const SEED_ONCE: u64 = 20_261_121;

/// The service at work.
pub struct Stage {
    /// The simulated Graph.
    pub simulator: Simulator,
    /// The simulated customer.
    pub contoso: Contoso,
    /// The admin API.
    pub client: AdminClient,
    token: String,
    ports: Ports,
    running: Running,
    serving: JoinHandle<Result<(), CommandError>>,
    stop: CancellationToken,
    // After everything that writes into it.
    _data: DataFolder,
}

impl Stage {
    /// Starts both sides and connects them.
    pub async fn open(arguments: &DemoArguments, stop: CancellationToken) -> Result<Self, CommandError> {
        let data = DataFolder::open(arguments.data.as_deref())?;
        let simulator = Simulator::new(SimulatorSettings {
            seed: if arguments.once { SEED_ONCE } else { data.seed()? },
            delivery: Delivery::Automatic,
            notification_delay: NOTIFICATION_DELAY,
            ..SimulatorSettings::default()
        });
        let contoso = Contoso::new(&simulator, arguments.users as usize);
        let address = "127.0.0.1:0".to_owned();
        let running = simulator.serve(&address).await.map_err(|cause| CommandError::Listen { address, cause })?;
        let token = format!("{:032x}", rand::random::<u128>());
        let (application, telemetry) = build(arguments, &data, &running, &token).await?;
        let ports = application.ports();
        let serving = tokio::spawn(serve::run(application, telemetry, stop.clone()));
        let client = AdminClient::new(&admin_url(ports), SecretString::from(token.as_str()), Vec::new())?;
        let stage = Self { simulator, contoso, client, token, ports, running, serving, stop, _data: data };
        match stage.connect(arguments.once).await {
            Ok(()) => Ok(stage),
            Err(error) => {
                stage.close().await?;
                Err(error)
            }
        }
    }

    /// Creates the connection. One of an earlier start goes first: its tenant has ended with that process.
    async fn connect(&self, once: bool) -> Result<(), CommandError> {
        match self.client.delete(&["connections", CONNECTION]).await {
            Ok(_) | Err(CommandError::Refused { status: 404, .. }) => {}
            Err(error) => return Err(error),
        }
        self.client.post(&["connections"], Some(self.document(once))).await?;
        Ok(())
    }

    fn document(&self, once: bool) -> Value {
        let tenant = &self.contoso.tenant;
        // The endless life goes on for longer than a day's worth of leavers.
        let guard =
            if once { json!({}) } else { json!({ "deactivations_max": u32::MAX, "deactivations_percent_max": 100 }) };
        let at = SystemClock.now().plus(RECONCILE_AFTER).to_datetime().format("%H:%M").to_string();
        json!({
            "id": CONNECTION,
            "name": "Contoso",
            "tenant_id": tenant.id(),
            "credentials": { "client_id": tenant.client_id().to_string(), "client_secret": tenant.client_secret() },
            "scope": { "groups": self.contoso.scope() },
            "guard": guard,
            "reconcile": { "at": at, "time_zone": "UTC" },
        })
    }

    /// The address of the admin listener.
    pub fn admin_url(&self) -> String {
        admin_url(self.ports)
    }

    /// The admin token of this start.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Stops both sides.
    pub async fn close(self) -> Result<(), CommandError> {
        self.stop.cancel();
        let ended = self.serving.await;
        self.running.stop().await;
        ended.map_err(|error| CommandError::NotDone(format!("the service ended without a word: {error}")))?
    }
}

fn admin_url(ports: Ports) -> String {
    format!("http://{}", ports.admin)
}

/// Builds the service on free ports. A port that was free may be taken before it is listened on: then others are tried.
async fn build(
    arguments: &DemoArguments,
    data: &DataFolder,
    running: &Running,
    token: &str,
) -> Result<(Application, Telemetry), CommandError> {
    let mut attempt = 1;
    loop {
        let settings = settings(arguments, data, running, token)?;
        let telemetry = Telemetry::install(&settings.settings.log)?;
        let built = Application::build(settings, Arc::new(SystemClock), telemetry.clone(), Migrations::Apply).await;
        match built {
            Err(StartError::Listen { .. }) if attempt < BUILD_ATTEMPT_COUNT_MAX => attempt += 1,
            built => return Ok((built?, telemetry)),
        }
    }
}

/// Settings as an operator would give them in the environment.
fn settings(
    arguments: &DemoArguments,
    data: &DataFolder,
    running: &Running,
    token: &str,
) -> Result<ServeSettings, CommandError> {
    let public = free_address(FIRST_PORT)?;
    let admin = free_address(public.port() + 1)?;
    let log = arguments.log.as_deref().unwrap_or(if arguments.once { "error" } else { "warn" });
    // In the bounded life only what is asked for may find a change that no notification told of.
    let (delta_poll, recheck) = if arguments.once { ("86400", "1,3") } else { ("60", "5,30") };
    let given = [
        ("DATABASE_URL", data.database_url()),
        ("MASTER_KEY_FILE", data.master_key_file().display().to_string()),
        ("PUBLIC_URL", format!("http://{public}")),
        ("PUBLIC_LISTEN", public.to_string()),
        ("ADMIN_LISTEN", admin.to_string()),
        ("ADMIN_TOKEN", token.to_owned()),
        ("GRAPH_URL", running.graph_url()),
        ("LOGIN_URL", running.login_url()),
        ("DELTA_POLL_SECONDS", delta_poll.to_owned()),
        ("RECHECK_SECONDS", recheck.to_owned()),
        ("LOG", log.to_owned()),
    ];
    let environment = given.into_iter().map(|(name, value)| (format!("ROLLCALL_{name}"), value));
    Ok(ServeSettings::load(None, environment)?)
}

/// The first loopback port from `first` on that nobody listens on.
fn free_address(first: u16) -> Result<SocketAddr, CommandError> {
    let addresses =
        (first..first.saturating_add(PORTS_TRIED)).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut failure = None;
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(cause) => failure = Some(CommandError::Listen { address: address.to_string(), cause }),
        }
    }
    Err(failure.unwrap_or_else(|| CommandError::NotDone(format!("there is no free port from {first} on"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_somebody_listens_on_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(free_address(port).unwrap().port() > port);
    }
}
