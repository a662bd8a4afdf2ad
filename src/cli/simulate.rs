//! `rollcall simulate`.

use serde_json::json;

use super::arguments::SimulateArguments;
use super::{CommandError, output, signals};
use crate::simulator::{Delivery, Population, Simulator, SimulatorSettings};

/// The name of the simulated tenant; its domain is `contoso.example`.
const TENANT_NAME: &str = "contoso";

/// Answers as Graph and login service until SIGTERM or SIGINT.
pub async fn simulate(arguments: SimulateArguments) -> Result<(), CommandError> {
    let stop = signals::stop()?;
    let settings = SimulatorSettings { seed: arguments.seed, delivery: Delivery::Automatic, ..Default::default() };
    let simulator = Simulator::new(settings);
    let tenant = simulator.add_tenant(TENANT_NAME);
    tenant.populate(&Population::of(arguments.users, arguments.groups));
    let address = arguments.listen.to_string();
    let running = simulator.serve(&address).await.map_err(|cause| CommandError::Listen { address, cause })?;
    let told = [
        ("graph url", "graph_url", running.graph_url()),
        ("login url", "login_url", running.login_url()),
        ("tenant id", "tenant_id", tenant.id().to_string()),
        ("client id", "client_id", tenant.client_id().to_string()),
        ("client secret", "client_secret", tenant.client_secret()),
    ];
    if arguments.json {
        let object = told.into_iter().map(|(_, key, value)| (key.to_owned(), json!(value)));
        output::json(&serde_json::Value::Object(object.collect()))?;
    } else {
        output::pairs(&told.map(|(name, _, value)| (name, value)))?;
    }
    stop.cancelled().await;
    running.stop().await;
    Ok(())
}
