//! `rollcall migrate`.

use super::arguments::ConfigArguments;
use super::{CommandError, output};
use crate::settings::Settings;
use crate::startup;
use crate::store::inbox::{Inbox, InboxLimits};

/// Applies pending migrations and prints their names.
pub async fn migrate(arguments: ConfigArguments) -> Result<(), CommandError> {
    let settings = Settings::from_process(arguments.config.as_deref())?;
    let db = startup::open_database(&settings.database).await?;
    let applied = db.migrate().await?;
    // On SQLite the inbox is a file of its own, brought up to date when it is opened.
    Inbox::open(&db, InboxLimits::default()).await?;
    if applied.is_empty() {
        output::line("nothing to apply")?;
    }
    applied.iter().try_for_each(|name| output::line(format_args!("applied {name}")))
}
