//! Keep-alive clients that write prepared bytes and read as little as they can: they share the machine's cores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{CLIENT_COUNT, MEASURED, WARM_UP};

/// What was measured of a handler.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Answers of 202.
    pub answers_per_second: f64,
    /// Half of the answers came within.
    pub median_ms: f64,
    /// All but one in a hundred came within.
    pub p99_ms: f64,
}

/// Sends bodies to `path` from all clients for the measured time; any answer but 202 ends the benchmark.
pub async fn run(address: &str, path: &str, bodies: &[String]) -> Result<Figures, String> {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(bodies.iter().map(|body| request(address, path, body)).collect());
    let begins_at = Instant::now() + WARM_UP;
    let ends_at = begins_at + MEASURED;
    let clients: Vec<_> = (0..CLIENT_COUNT)
        .map(|number| tokio::spawn(client(address.to_owned(), Arc::clone(&requests), number, begins_at, ends_at)))
        .collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await.map_err(crate::text)??);
    }
    waits.sort_unstable();
    let at = |part: f64| waits.get((waits.len() as f64 * part) as usize).copied().unwrap_or_default();
    Ok(Figures {
        answers_per_second: waits.len() as f64 / MEASURED.as_secs_f64(),
        median_ms: at(0.5).as_secs_f64() * 1e3,
        p99_ms: at(0.99).as_secs_f64() * 1e3,
    })
}

fn request(address: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The waits for answers to requests that began in the measured time.
async fn client(
    address: String,
    requests: Arc<Vec<Vec<u8>>>,
    number: usize,
    begins_at: Instant,
    ends_at: Instant,
) -> Result<Vec<Duration>, String> {
    let mut stream = TcpStream::connect(&address).await.map_err(crate::text)?;
    stream.set_nodelay(true).map_err(crate::text)?;
    let mut waits = Vec::new();
    let mut answer = Vec::with_capacity(1_024);
    for turn in number.. {
        let sent_at = Instant::now();
        if sent_at >= ends_at {
            break;
        }
        stream.write_all(&requests[turn % requests.len()]).await.map_err(crate::text)?;
        read_answer(&mut stream, &mut answer).await?;
        if sent_at >= begins_at {
            waits.push(sent_at.elapsed());
        }
    }
    Ok(waits)
}

/// Reads an answer of 202, which has no body.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<(), String> {
    answer.clear();
    while !answer.ends_with(b"\r\n\r\n") {
        if stream.read_buf(answer).await.map_err(crate::text)? == 0 {
            return Err("the server closed a connection".to_owned());
        }
    }
    if answer.starts_with(b"HTTP/1.1 202 ") {
        Ok(())
    } else {
        Err(format!("an answer was {}", String::from_utf8_lossy(answer).lines().next().unwrap_or_default()))
    }
}
