//! The least that durability costs: bodies appended to a file by one thread, many in one `fdatasync`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use actix_web::web::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; more than there are clients.
const WAITING_COUNT_MAX: usize = 10_000;

type Order = (Bytes, oneshot::Sender<()>);

/// A file that bodies are appended to.
#[derive(Clone, Debug)]
pub struct RawLog(mpsc::Sender<Order>);

impl RawLog {
    /// Starts the thread.
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(crate::text)?;
        let (orders, waiting) = mpsc::channel(WAITING_COUNT_MAX);
        std::thread::spawn(move || write(file, waiting));
        Ok(Self(orders))
    }

    /// Appends a body; `false` when it is not on the disk.
    pub async fn append(&self, body: Bytes) -> bool {
        let (answer, answered) = oneshot::channel();
        self.0.send((body, answer)).await.is_ok() && answered.await.is_ok()
    }
}

fn write(mut file: File, mut waiting: mpsc::Receiver<Order>) {
    while let Some((first, answer)) = waiting.blocking_recv() {
        let (mut bytes, mut answers) = (first.to_vec(), vec![answer]);
        while let Ok((body, answer)) = waiting.try_recv() {
            bytes.extend_from_slice(&body);
            answers.push(answer);
        }
        // Unanswered requests show as 500.
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for answer in answers {
            let _client_gone = answer.send(());
        }
    }
}
