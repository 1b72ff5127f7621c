//! A server that takes what it is sent and never answers, as one does whose disk or whose machine hangs.

use std::process::Command;
use std::time::Duration;

use eventloom_runtime::EventStore;
use eventloom_runtime::projection::Projector;
use eventloom_runtime::store::{AppendError, StoreError};
use tokio::runtime::Builder;

use super::{Own, ended, found};
use crate::projection::ledger::ImmediateBalances;
use crate::projection::rig::{append, moved, new_event, opened, try_append};

fn signal(name: &str, process: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill {name} {process}")]).status();
    assert!(sent.is_ok_and(|sent| sent.success()), "a signal is sent");
}

/// Sends an append to a server that then hangs; lets as much time pass as nobody waits, gives what came of it, and lets the
/// server go on.
async fn append_hanging(own: &Own) -> Result<u64, AppendError> {
    let (holder, watcher) = (own.session().await, own.session().await);
    holder.run("BEGIN; SELECT eventloom.begin_append()").await.expect("a lock");
    let store = own.store.clone();
    let appended = tokio::spawn(async move {
        try_append(&store, "a", 1, vec![new_event("a", 2, &moved(1))]).await
    });
    let waits =
        "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'eventloom.appending'::regclass";
    let process = found(&watcher, waits).await;
    signal("-STOP", &process);
    holder.run("COMMIT").await.expect("an end");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(125)).await;
    tokio::time::resume();
    let outcome = ended(appended).await.expect("no panic");
    signal("-CONT", &process);
    let gone =
        format!("SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {process})");
    found(&watcher, &gone).await;
    outcome
}

/// An append whose server hung was never answered; and as appends go one after the other, no other append of the program
/// was ever sent again.
#[test]
fn an_append_to_a_server_that_hangs_comes_to_an_end() {
    // Time is let pass in it, which needs one thread.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let own = Own::start(&[]).await;
        append(&own.store, "a", 0, &[opened("Ada")]).await;

        let outcome = append_hanging(&own).await;

        assert!(
            matches!(outcome, Err(AppendError::Store(StoreError::OutcomeUnknown(_)))),
            "{outcome:?}"
        );
        // It was carried out after all, by a server that had nobody to tell.
        assert_eq!(own.store.head().await, Ok(2));
        append(&own.store, "a", 2, &[moved(1)]).await;
        assert_eq!(own.store.head().await, Ok(3));
    });
}

/// The same where an immediate projection shares the transaction: the thread that waited for it was lost, and with it all
/// appends of the program.
#[test]
fn a_transaction_of_several_statements_comes_to_an_end_too() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let own = Own::start(&[]).await;
        let balances =
            Projector::<ImmediateBalances, _, _>::open(own.store.clone(), own.rows.clone()).await;
        let balances = balances.expect("a projector");
        append(&own.store, "a", 0, &[opened("Ada")]).await;

        let outcome = append_hanging(&own).await;

        // It was told that a commit had been sent, though none had.
        let told = matches!(outcome, Err(AppendError::Store(StoreError::Unavailable(_))));
        assert!(told, "{outcome:?}");
        assert_eq!(own.store.head().await, Ok(1), "nothing was committed");
        append(&own.store, "a", 1, &[moved(1)]).await;
        let row = balances.read_model().get(&"a".to_owned()).await.expect("an answer");
        assert_eq!(row.map(|row| row.moves), Some(1));
    });
}
