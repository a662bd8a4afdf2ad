//! A fresh database of either kind with one connection, and the intake and the fold on it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use actix_web::web;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use rollcall::clock::SystemClock;
use rollcall::intake::Intake;
use rollcall::intake::admit::Registry;
use rollcall::intake::budget::BodyBudget;
use rollcall::queue::fold::Fold;
use rollcall::secrets::Keyring;
use rollcall::store::inbox::{Inbox, InboxLimits};
use rollcall::store::{Db, DbConnection, Location};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// The one tenant.
const TENANT: Uuid = Uuid::from_u128(0x84bd_8158_6d4d_4958_8b9f_9d64_4554_2f95);

/// Different bodies, and so different users, that the clients send in turn.
const BODY_COUNT: usize = 500;

/// Both databases.
pub struct Databases {
    folder: tempfile::TempDir,
    server: String,
    name: String,
    keyring: Arc<Keyring>,
    sides: [Side; 2],
}

struct Side {
    intake: web::Data<Intake>,
    fold: Arc<Fold>,
    folds: Arc<AtomicBool>,
    folded_rows: AtomicU64,
    folded_micros: AtomicU64,
}

impl Databases {
    /// Creates them.
    pub async fn create(server: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(crate::text)?;
        let name = format!("rollcall_bench_{}", Uuid::new_v4().simple());
        on_server(server, &format!("CREATE DATABASE {name}"))?;
        let mut address = url::Url::parse(server).map_err(crate::text)?;
        address.set_path(&name);
        let keyring = Arc::new(Keyring::new_random());
        let sqlite = Side::open(Location::Sqlite(folder.path().join("rollcall.db")), &keyring).await?;
        let postgresql = Side::open(Location::Postgresql(address.into()), &keyring).await?;
        Ok(Self { folder, server: server.to_owned(), name, keyring, sides: [sqlite, postgresql] })
    }

    /// Where the files lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The intakes, SQLite first.
    pub fn intakes(&self) -> [web::Data<Intake>; 2] {
        self.sides.each_ref().map(|side| side.intake.clone())
    }

    /// Bodies of `batch_size` notifications as Graph sends them.
    pub fn bodies(&self, batch_size: usize) -> Vec<String> {
        let connection = "contoso".parse().expect("a connection id");
        let state = self.keyring.client_state(self.keyring.current(), &connection, "users").expect("a current key");
        let item = |number: usize| {
            let user = Uuid::from_u128(0x6e7b_768e_07e2_4810_0000_0000_0000_0000 + number as u128 * 7_919);
            format!(
                r##"{{"changeType":"updated","clientState":"{state}","resource":"Users/{user}","resourceData":{{"@odata.type":"#Microsoft.Graph.User","@odata.id":"Users/{user}","id":"{user}","organizationId":"{TENANT}","eventTime":"2026-11-21T22:24:31.3062901Z","sequenceNumber":637890278713062901}},"subscriptionExpirationDateTime":"2026-11-28T23:21:19.3554403+00:00","subscriptionId":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","tenantId":"{TENANT}"}}"##
            )
        };
        let body = |number: usize| {
            let items: Vec<String> = (0..batch_size).map(|entry| item(number * batch_size + entry)).collect();
            format!(r#"{{"value":[{}]}}"#, items.join(","))
        };
        (0..BODY_COUNT).map(body).collect()
    }

    /// Lets the fold run behind the intake of `path` if that asks for it, and nowhere else.
    pub fn fold_behind(&self, path: &str) {
        for (side, folding) in self.sides.iter().zip(["/sqlite-while-folding", "/postgresql-while-folding"]) {
            side.folds.store(path == folding, Ordering::SeqCst);
            side.fold.inbox.appended().notify_one();
        }
    }

    /// Folds what is left.
    pub async fn empty(&self) -> Result<(), String> {
        for side in &self.sides {
            let (began_at, rows) = (Instant::now(), side.inbox_rows());
            // The fold in the background may hold the lease for a moment yet.
            while side.inbox_rows() > 0 {
                side.fold.run_once().await.map_err(crate::text)?;
            }
            side.folded_rows.fetch_add(rows, Ordering::SeqCst);
            side.folded_micros.fetch_add(began_at.elapsed().as_micros() as u64, Ordering::SeqCst);
        }
        Ok(())
    }

    /// How fast the inboxes were emptied while nothing else ran.
    pub fn folded(&self) -> String {
        let told = self.sides.iter().zip(["SQLite", "PostgreSQL"]).map(|(side, name)| {
            let seconds = side.folded_micros.load(Ordering::SeqCst) as f64 / 1e6;
            format!("{name}: {} requests folded in {seconds:.2} s", side.folded_rows.load(Ordering::SeqCst))
        });
        format!("\n{}", told.collect::<Vec<_>>().join("\n"))
    }

    /// Drops the database on the server.
    pub async fn remove(self) -> Result<(), String> {
        let Self { folder, server, name, sides, .. } = self;
        drop(sides);
        drop(folder);
        on_server(&server, &format!("DROP DATABASE {name} WITH (FORCE)"))
    }
}

impl Side {
    async fn open(location: Location, keyring: &Arc<Keyring>) -> Result<Self, String> {
        let db = Db::open(location).map_err(crate::text)?;
        db.migrate().await.map_err(crate::text)?;
        let insert = format!(
            "INSERT INTO connections (connection_id, tenant_id, name, settings, paused, created_at, updated_at) \
             VALUES ('contoso', '{TENANT}', 'Contoso', '{{}}', false, 0, 0)"
        );
        db.write(move |db: &mut DbConnection| Ok(diesel::sql_query(&insert).execute(db)?))
            .await
            .map_err(crate::text)?;
        let inbox = Inbox::open(&db, InboxLimits::default()).await.map_err(crate::text)?;
        let clock = Arc::new(SystemClock);
        // The sender may go: the keys stay as they are.
        let (_sender, keyring) = watch::channel(Arc::clone(keyring));
        let registry = Registry::new(db.clone(), keyring);
        let intake = web::Data::new(Intake {
            registry,
            inbox: inbox.clone(),
            clock: clock.clone(),
            bodies: BodyBudget::default(),
        });
        let fold = Arc::new(Fold { db, inbox, clock, work: Arc::new(Notify::new()) });
        let folds = Arc::new(AtomicBool::new(false));
        tokio::spawn(fold_while_asked(Arc::clone(&fold), Arc::clone(&folds)));
        Ok(Self { intake, fold, folds, folded_rows: AtomicU64::new(0), folded_micros: AtomicU64::new(0) })
    }

    fn inbox_rows(&self) -> u64 {
        self.fold.inbox.size().rows
    }
}

async fn fold_while_asked(fold: Arc<Fold>, folds: Arc<AtomicBool>) {
    loop {
        fold.inbox.appended().notified().await;
        if folds.load(Ordering::SeqCst)
            && let Err(error) = fold.run_once().await
        {
            eprintln!("Folding failed: {error}");
        }
    }
}

fn on_server(server: &str, statement: &str) -> Result<(), String> {
    let mut connection = PgConnection::establish(server).map_err(crate::text)?;
    diesel::sql_query(statement).execute(&mut connection).map_err(crate::text)?;
    Ok(())
}
