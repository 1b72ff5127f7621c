//! A standby that lacks the last archive run takes the server's place.

use eventloom_runtime::EventStore as _;
use eventloom_runtime::testing::postgres::Session;

use super::archive::hanging::{Hung, read_all, runtime};
use super::archive::{Rig, files};
use crate::archiving::{archiver, days_ago, events, snapshot, stream};

/// What a standby has of a database, and how it takes its place.
struct Standby {
    session: Session,
    name: String,
}

impl Standby {
    async fn of(url: &str) -> Self {
        let (server, name) = url.rsplit_once('/').expect("an address");
        let session = Session::at(&format!("{server}/postgres")).await;
        let standby = Self { session, name: name.to_owned() };
        standby.end_connections().await;
        standby.run(&format!("CREATE DATABASE {name}_standby TEMPLATE {name}")).await;
        standby.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
        standby
    }

    async fn run(&self, sql: &str) {
        self.session.run(sql).await.unwrap_or_else(|said| panic!("{sql}: {said}"));
    }

    /// Nobody makes others meanwhile.
    async fn end_connections(&self) {
        self.run(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name)).await;
        let all = format!("FROM pg_stat_activity WHERE datname = '{}'", self.name);
        self.run(&format!("SELECT pg_terminate_backend(pid) {all}")).await;
        while !self.session.run(&format!("SELECT 1 {all}")).await.expect("an answer").is_empty() {
            tokio::task::yield_now().await;
        }
    }

    async fn takes_over(&self) {
        self.end_connections().await;
        let name = &self.name;
        self.run(&format!("ALTER DATABASE {name} RENAME TO {name}_gone")).await;
        self.run(&format!("ALTER DATABASE {name}_standby RENAME TO {name}")).await;
        self.run(&format!("DROP DATABASE {name}_gone")).await;
    }
}

/// A page had its live events from one server, and asked another for the rest of its blocks: those that had left last were
/// neither, and the page came without them, as if it were whole.
#[test]
fn a_page_is_of_one_server() {
    let runtime = runtime();
    let rig = runtime.block_on(Rig::new());
    let run = async |covered| {
        rig.store.save_snapshot(&stream("a"), snapshot(covered)).await.expect("a snapshot");
        let run = archiver(&rig.store).segment_events(1).run(|_| {});
        run.await.expect("an archive").events()
    };
    let (before, standby) = runtime.block_on(async {
        rig.store.append(events("a", 0, 140, days_ago(90))).await.expect("an append");
        let before = read_all(rig.store.clone()).await;
        assert_eq!(run(71).await, 70);
        let standby = Standby::of(&rig.place.url().await).await;
        assert_eq!(run(140).await, 69);
        (before, standby)
    });
    let store = runtime.block_on(rig.again(Some(&rig.archive())));
    let mut hung = Hung::at(&files(&rig.archive())[2]);
    let read = runtime.spawn(read_all(store));
    hung.is_asked_for();

    runtime.block_on(standby.takes_over());

    hung.ends();
    assert_eq!(runtime.block_on(read).expect("no panic"), before);
}
