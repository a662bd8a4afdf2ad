//! The one thread that writes the inbox: group commit without a linger timer.
//!
//! It takes everything that waits, stores it with one statement, and answers all. While it commits, the next group
//! gathers by itself; an idle inbox answers after one commit. It never gives up: after an error it answers "not
//! stored" and opens a new connection for the next group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};

use super::statements::{delete, insert, open};
use super::{InboxLimits, InboxSize, PackedBatch, size};
use crate::clock::Timestamp;
use crate::store::DbConnection;
use crate::store::db::Location;
use crate::store::error::StoreError;

/// Requests that may wait for the writer: more than it stores within the answer's deadline on a slow disk would only
/// wait in vain.
const WAITING_COUNT_MAX: usize = 20_000;

/// Bytes of packed batches that may wait: the memory a stalled disk can cost.
const WAITING_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Requests in one commit; more gain nothing and make the first one wait.
const GROUP_COUNT_MAX: usize = 4_096;

/// Bytes after which a group is full: a commit of this size takes well below a second.
const GROUP_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How often the size is counted anew: other processes write and fold the same table on PostgreSQL.
const RECOUNT_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is counted anew while the inbox seems full: another process may have folded it.
const RECOUNT_WHEN_FULL_INTERVAL: Duration = Duration::from_millis(500);

/// Why a batch is not stored, or not certainly.
#[derive(Debug, thiserror::Error)]
pub enum AppendRefused {
    /// The inbox, or the line before it, holds as much as it may.
    #[error("the inbox is full: the fold is behind; is the database slow, or the disk full?")]
    Full,
    /// The database did not store it.
    #[error("the inbox cannot be written: {0}")]
    Unavailable(String),
}

/// The door to the writer's thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    gauge: Arc<Gauge>,
    limits: InboxLimits,
}

#[derive(Debug)]
enum Order {
    Append { batch: PackedBatch, received_at: Timestamp, answer: Answer },
    Delete { ids: Vec<i64>, answer: Answer },
    Recount,
}

type Answer = oneshot::Sender<Result<(), AppendRefused>>;

/// What is stored and what waits, read without asking the thread.
#[derive(Debug, Default)]
struct Gauge {
    rows: AtomicU64,
    bytes: AtomicU64,
    waiting_bytes: AtomicU64,
    /// Whether a recount is ordered already.
    is_recount_ordered: AtomicBool,
    appended: Arc<Notify>,
}

impl Writer {
    pub(super) fn start(location: Location, limits: InboxLimits, size: InboxSize) -> Result<Self, StoreError> {
        let gauge = Arc::new(Gauge::default());
        gauge.set(size);
        let (orders, waiting) = mpsc::channel(WAITING_COUNT_MAX);
        let thread = WriterThread {
            location,
            connection: None,
            gauge: Arc::clone(&gauge),
            recounted_at: Instant::now(),
            is_failing: false,
        };
        std::thread::Builder::new()
            .name("inbox-writer".to_owned())
            .spawn(move || thread.run(waiting))
            .map_err(|error| StoreError::Unreachable(format!("no thread for the inbox: {error}")))?;
        Ok(Self { orders, gauge, limits })
    }

    pub(super) async fn append(&self, batch: PackedBatch, received_at: Timestamp) -> Result<(), AppendRefused> {
        let stored = self.size();
        let length = batch.as_bytes().len() as u64;
        if stored.rows >= self.limits.rows_max || stored.bytes >= self.limits.bytes_max {
            self.order_recount();
            return Err(AppendRefused::Full);
        }
        // Counted before it is sent, so that two of them cannot both see room for one.
        if self.gauge.waiting_bytes.fetch_add(length, Ordering::Relaxed) >= WAITING_BYTES_MAX {
            self.gauge.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(AppendRefused::Full);
        }
        let (answer, answered) = oneshot::channel();
        if self.orders.try_send(Order::Append { batch, received_at, answer }).is_err() {
            self.gauge.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(AppendRefused::Full);
        }
        answered.await.unwrap_or_else(|_| Err(writer_ended()))
    }

    /// Without this a process that only refuses would never learn that another one has folded.
    fn order_recount(&self) {
        let is_ordered = self.gauge.is_recount_ordered.swap(true, Ordering::Relaxed);
        if !is_ordered && self.orders.try_send(Order::Recount).is_err() {
            self.gauge.is_recount_ordered.store(false, Ordering::Relaxed);
        }
    }

    pub(super) async fn delete(&self, ids: Vec<i64>) -> Result<(), AppendRefused> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Delete { ids, answer }).await.map_err(|_| writer_ended())?;
        answered.await.unwrap_or_else(|_| Err(writer_ended()))
    }

    pub(super) fn size(&self) -> InboxSize {
        InboxSize { rows: self.gauge.rows.load(Ordering::Relaxed), bytes: self.gauge.bytes.load(Ordering::Relaxed) }
    }

    pub(super) fn appended(&self) -> &Arc<Notify> {
        &self.gauge.appended
    }
}

fn writer_ended() -> AppendRefused {
    AppendRefused::Unavailable("its writer has ended".to_owned())
}

impl Gauge {
    fn set(&self, size: InboxSize) {
        self.rows.store(size.rows, Ordering::Relaxed);
        self.bytes.store(size.bytes, Ordering::Relaxed);
    }
}

struct WriterThread {
    location: Location,
    connection: Option<DbConnection>,
    gauge: Arc<Gauge>,
    recounted_at: Instant,
    is_failing: bool,
}

/// What one commit writes.
#[derive(Default)]
struct Group {
    rows: Vec<(Timestamp, PackedBatch)>,
    byte_count: u64,
    deleted: Vec<i64>,
    answers: Vec<Answer>,
    is_recount_ordered: bool,
}

impl Group {
    fn is_full(&self) -> bool {
        self.answers.len() >= GROUP_COUNT_MAX || self.byte_count >= GROUP_BYTES_MAX
    }

    fn add(&mut self, order: Order, gauge: &Gauge) {
        match order {
            Order::Append { batch, received_at, answer } => {
                let length = batch.as_bytes().len() as u64;
                gauge.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
                // Whoever gave up waiting was answered 503 and will come again.
                if !answer.is_closed() {
                    self.byte_count += length;
                    self.rows.push((received_at, batch));
                    self.answers.push(answer);
                }
            }
            Order::Delete { ids, answer } => {
                self.deleted.extend(ids);
                self.answers.push(answer);
            }
            Order::Recount => {
                gauge.is_recount_ordered.store(false, Ordering::Relaxed);
                self.is_recount_ordered = true;
            }
        }
    }
}

impl WriterThread {
    fn run(mut self, mut waiting: mpsc::Receiver<Order>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = Group::default();
            group.add(first, &self.gauge);
            while !group.is_full() {
                let Ok(next) = waiting.try_recv() else { break };
                group.add(next, &self.gauge);
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Group) {
        let outcome = self.store(&group);
        self.note(&outcome);
        if outcome.is_ok() && !group.rows.is_empty() {
            self.gauge.appended.notify_one();
        }
        for answer in group.answers {
            let told = outcome.as_ref().map(|_| ()).map_err(|error| AppendRefused::Unavailable(error.to_string()));
            // A receiver that is gone gave up waiting.
            let _gave_up = answer.send(told);
        }
    }

    /// Logs the beginning and the end of an outage, not each request in it.
    fn note(&mut self, outcome: &Result<InboxSize, StoreError>) {
        match outcome {
            Ok(size) => {
                self.gauge.set(*size);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("Notifications can be stored again");
                }
            }
            Err(error) => {
                self.connection = None;
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "Notifications cannot be stored; Graph is asked to send them again");
                }
            }
        }
    }

    fn store(&mut self, group: &Group) -> Result<InboxSize, StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(open(&self.location)?),
        };
        let deleted = match (group.rows.is_empty(), group.deleted.is_empty()) {
            (_, true) => {
                insert(connection, &group.rows)?;
                InboxSize::default()
            }
            (true, false) => delete(connection, &group.deleted)?,
            (false, false) => connection.in_transaction(|connection| {
                insert(connection, &group.rows)?;
                delete(connection, &group.deleted)
            })?,
        };
        let interval = if group.is_recount_ordered { RECOUNT_WHEN_FULL_INTERVAL } else { RECOUNT_INTERVAL };
        // On SQLite nobody else writes: what is known is exact.
        if matches!(self.location, Location::Postgresql(_)) && self.recounted_at.elapsed() >= interval {
            self.recounted_at = Instant::now();
            return size(connection);
        }
        let gauge = &self.gauge;
        Ok(InboxSize {
            rows: (gauge.rows.load(Ordering::Relaxed) + group.rows.len() as u64).saturating_sub(deleted.rows),
            bytes: (gauge.bytes.load(Ordering::Relaxed) + group.byte_count).saturating_sub(deleted.bytes),
        })
    }
}
