//! The inbox: acknowledged notifications not yet in the queue, one packed row for each request body.
//!
//! Append-only and drained at once. On SQLite it is a file of its own beside the main one, so that no long write there
//! can make an acknowledgement wait; on PostgreSQL it is a table, written over a connection of its own.
//! One thread writes it ([`writer`]): whatever waits when it comes round is one commit.

mod packing;
mod statements;
mod writer;

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use tokio::sync::Notify;

use super::db::{Db, Location, beside};
use super::db_connection::DbConnection;
use super::error::StoreError;
use super::migrate::{self, Tables};
use crate::clock::Timestamp;

pub use packing::{Entry, PackedBatch, Packer, Sign};
pub use writer::AppendRefused;

use writer::Writer;

/// Rows the inbox may hold: at ten times the load one process takes, a minute's worth. Beyond it Graph is asked to come
/// again, because a fold this far behind needs help more than it needs work.
pub const INBOX_ROWS_MAX: u64 = 500_000;

/// Bytes the inbox may hold, so that a burst of large bodies cannot fill the disk: some 14 million notifications.
pub const INBOX_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much the inbox takes before it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxLimits {
    /// Rows.
    pub rows_max: u64,
    /// Bytes of packed batches.
    pub bytes_max: u64,
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self { rows_max: INBOX_ROWS_MAX, bytes_max: INBOX_BYTES_MAX }
    }
}

/// The inbox of a database; cheap to clone. Its writer ends when the last clone is gone and all is answered.
#[derive(Clone, Debug)]
pub struct Inbox {
    reads: Db,
    writer: Writer,
}

/// A row of the inbox.
#[derive(Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its key.
    pub id: i64,
    /// When the request was received.
    pub received_at: Timestamp,
    /// What it told.
    pub batch: PackedBatch,
}

/// How much is in the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxSize {
    /// Rows.
    pub rows: u64,
    /// Bytes of packed batches.
    pub bytes: u64,
}

impl Inbox {
    /// Opens the inbox of `db` and starts its writer; on SQLite applies the migrations of the file.
    ///
    /// # Errors
    /// When the database does not answer, or another process has the SQLite file.
    pub async fn open(db: &Db, limits: InboxLimits) -> Result<Self, StoreError> {
        let reads = match db.location() {
            Location::Postgresql(_) => db.clone(),
            Location::Sqlite(path) => {
                let file = Location::Sqlite(beside(path, "-inbox"));
                let opened = tokio::task::spawn_blocking(move || Db::open(file)).await;
                let inbox = opened.map_err(|error| StoreError::Panicked(error.to_string()))??;
                migrate::apply(&inbox, Tables::Inbox).await?;
                inbox
            }
        };
        let size = reads.read(size).await?;
        let writer = Writer::start(reads.location().clone(), limits, size)?;
        Ok(Self { reads, writer })
    }

    /// Stores a batch durably; returns after the commit.
    ///
    /// # Errors
    /// [`AppendRefused`] when it is not stored, or when that is not certain.
    pub async fn append(&self, batch: PackedBatch, received_at: Timestamp) -> Result<(), AppendRefused> {
        self.writer.append(batch, received_at).await
    }

    /// Deletes rows that were folded. Rows that are gone already are no error: another process folded them.
    ///
    /// # Errors
    /// [`AppendRefused::Unavailable`] when the database does not answer: folding the rows again is harmless.
    pub async fn delete(&self, ids: Vec<i64>) -> Result<(), AppendRefused> {
        self.writer.delete(ids).await
    }

    /// The oldest rows after `after`, in the order of their ids: at most `rows_max`, and about `bytes_max` bytes but at
    /// least one row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn oldest(&self, after: i64, rows_max: u32, bytes_max: u64) -> Result<Vec<InboxRow>, StoreError> {
        self.reads.read(move |db| oldest(db, after, rows_max, bytes_max)).await
    }

    /// How much the inbox holds, as this process knows it.
    pub fn size(&self) -> InboxSize {
        self.writer.size()
    }

    /// Is notified after each commit with new rows: the fold's wake-up.
    pub fn appended(&self) -> &Arc<Notify> {
        self.writer.appended()
    }
}

#[derive(QueryableByName)]
struct SizeRow {
    #[diesel(sql_type = BigInt)]
    row_count: i64,
    #[diesel(sql_type = BigInt)]
    byte_count: i64,
}

fn size(db: &mut DbConnection) -> Result<InboxSize, StoreError> {
    let row: SizeRow = diesel::sql_query(
        "SELECT count(*) AS row_count, CAST(coalesce(sum(length(batch)), 0) AS BIGINT) AS byte_count FROM inbox",
    )
    .get_result(db)?;
    Ok(InboxSize { rows: row.row_count.unsigned_abs(), bytes: row.byte_count.unsigned_abs() })
}

#[derive(QueryableByName)]
struct LengthRow {
    #[diesel(sql_type = BigInt)]
    inbox_id: i64,
    #[diesel(sql_type = BigInt)]
    byte_count: i64,
}

#[derive(QueryableByName)]
struct BatchRow {
    #[diesel(sql_type = BigInt)]
    inbox_id: i64,
    #[diesel(sql_type = BigInt)]
    received_at: i64,
    #[diesel(sql_type = Binary)]
    batch: Vec<u8>,
}

/// Lengths first: the rows of 16 MiB bodies must not all be in memory at once.
fn oldest(db: &mut DbConnection, after: i64, rows_max: u32, bytes_max: u64) -> Result<Vec<InboxRow>, StoreError> {
    let lengths: Vec<LengthRow> = diesel::sql_query(
        "SELECT inbox_id, CAST(length(batch) AS BIGINT) AS byte_count FROM inbox WHERE inbox_id > $1 \
         ORDER BY inbox_id LIMIT $2",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(i64::from(rows_max))
    .load(db)?;
    let mut bytes = 0;
    let within = |row: &&LengthRow| {
        let fits = bytes < bytes_max;
        bytes += row.byte_count.unsigned_abs();
        fits
    };
    let Some(last) = lengths.iter().take_while(within).last() else { return Ok(Vec::new()) };
    let rows: Vec<BatchRow> = diesel::sql_query(
        "SELECT inbox_id, received_at, batch FROM inbox WHERE inbox_id > $1 AND inbox_id <= $2 ORDER BY inbox_id",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(last.inbox_id)
    .load(db)?;
    let row = |row: BatchRow| InboxRow {
        id: row.inbox_id,
        received_at: Timestamp(row.received_at),
        batch: PackedBatch::from_bytes(row.batch),
    };
    Ok(rows.into_iter().map(row).collect())
}
