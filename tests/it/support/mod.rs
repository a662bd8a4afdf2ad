//! What the integration tests share.

pub mod app;
pub mod in_step;
pub mod postgres;
pub mod scenes;
pub mod sqlite;
pub mod store;

/// An empty database of one test, gone when this value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    // Held for its `Drop` only.
    _storage: Storage,
}

/// What a test database lies in, and what therefore removes it.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their Drop only")]
enum Storage {
    Folder(tempfile::TempDir),
    Server(postgres::ServerDatabase),
}

impl TestDatabase {
    /// The address as an operator would write it into `ROLLCALL_DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Turns `async fn NAME(database: TestDatabase)` into the tests `NAME::on_sqlite` and `NAME::on_postgresql`.
///
/// ```ignore
/// both_databases!(a_change_is_applied);
///
/// async fn a_change_is_applied(database: TestDatabase) { ... }
/// ```
///
/// A body that is not listed is dead code, which the lints refuse.
macro_rules! both_databases {
    ($($body:ident),+ $(,)?) => {
        $(
            mod $body {
                #[tokio::test(flavor = "multi_thread")]
                async fn on_sqlite() {
                    super::$body($crate::support::sqlite::fresh_database()).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn on_postgresql() {
                    super::$body($crate::support::postgres::fresh_database()).await;
                }
            }
        )+
    };
}
pub(crate) use both_databases;
