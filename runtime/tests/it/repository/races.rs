//! Several programs on one store: outdated states, conflicts, and twins.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};

use eventloom_runtime::repository::RetryPolicy;
use eventloom_runtime::store::{Append, AppendError, Appended, Page, StreamRead};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::faults::{Fault, Faults};
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, ExecuteError, Repository, StoreError};

use super::{Bench, Store, id, new_store, put, refusal, take, wallet};
use crate::wallet::{Settle, Wallet, dec};

/// A refusal was decided on a state that another program had changed long ago, and no append was
/// there to find that out.
#[test]
fn a_refusal_is_never_decided_on_an_outdated_state() {
    block_on(async {
        let bench = Bench::new().await;
        let elsewhere = bench.elsewhere().await;
        bench.put("W", "E1", "1").await.unwrap();
        elsewhere.put("W", "E2", "10").await.unwrap();
        bench.take("W", "E3", "11").await.unwrap();
        assert_eq!(refusal(&elsewhere.take("W", "E4", "1").await), "InsufficientFunds");
        elsewhere.put("W", "E5", "7").await.unwrap();
        let settled = bench.wallets.execute("W", Settle { balance: dec("0") }).await.unwrap();
        assert_eq!(settled.events.len(), 1, "there was something to do");
    });
}

#[test]
fn a_conflict_is_decided_again() {
    block_on(async {
        let bench = Bench::new().await;
        let elsewhere = bench.elsewhere().await;
        for number in 0..20 {
            let bench = if number % 2 == 0 { &bench } else { &elsewhere };
            let executed = bench.put("W", &format!("E{number}"), "1").await.unwrap();
            assert_eq!(executed.sequence, number + 1);
            assert_eq!(executed.state.movements, number as i64 + 1);
        }
    });
}

#[test]
fn conflicts_without_end_are_told() {
    block_on(async {
        let (faults, (place, store)) = (Faults::default(), new_store().await);
        let bench = Bench::on(faults.on(store), place).await;
        faults.plan([Fault::Conflict; 5]);
        assert_eq!(bench.put("W", "E1", "1").await.unwrap().sequence, 1);
        faults.plan([Fault::Conflict; 6]);
        let error = bench.put("W", "E2", "1").await.unwrap_err();
        assert_eq!(error, ExecuteError::Conflict { stream: wallet("W"), attempts: 6 });
        assert_eq!(
            error.to_string(),
            "Wallet `W` was changed by others 6 times in a row while this command was decided; \
             send it again"
        );
        assert_eq!(bench.put("W", "E2", "1").await.unwrap().sequence, 2);
    });
}

#[test]
fn a_store_that_fails_is_no_refusal_and_leaves_nothing_behind() {
    block_on(async {
        let (faults, (place, store)) = (Faults::default(), new_store().await);
        let bench = Bench::on(faults.on(store), place).await;
        for fault in [Fault::Unavailable, Fault::Unwritable] {
            faults.plan([fault]);
            let error = bench.put("W", "E1", "1").await.unwrap_err();
            assert!(matches!(error, ExecuteError::Store(_)), "{error:?}");
        }
        assert_eq!(bench.events().await, 0);
        assert_eq!(bench.put("W", "E1", "1").await.unwrap().sequence, 1);
    });
}

#[test]
fn commands_of_many_programs_all_land_once() {
    const PROGRAMS: usize = 6;
    const EACH: usize = 25;
    block_on(async {
        let (place, store) = new_store().await;
        let tasks: Vec<_> = (0..PROGRAMS)
            .map(|program| {
                let store = store.clone();
                tokio::spawn(async move {
                    let patient = RetryPolicy { attempts: 1_000, ..RetryPolicy::default() };
                    let wallets = Repository::<Wallet, _>::builder().retries(patient);
                    let wallets = wallets.open(store).await.unwrap();
                    for number in 0..EACH {
                        let put = put(&format!("E{program}-{number}"), "1");
                        wallets.execute("W", put.clone()).await.unwrap();
                        assert!(wallets.execute("W", put).await.unwrap().duplicate);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let loaded = Bench::on(store, place).await.wallets.load("W").await.unwrap();
        assert_eq!(loaded.sequence as usize, PROGRAMS * EACH);
        assert_eq!(loaded.state.movements as usize, PROGRAMS * EACH);
    });
}

#[test]
fn commands_of_one_program_on_one_stream_do_not_conflict() {
    block_on(async {
        let impatient = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        let wallets = Repository::<Wallet, _>::builder().retries(impatient);
        let (_place, store) = new_store().await;
        let wallets = wallets.open(store).await.unwrap();
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let wallets = wallets.clone();
                tokio::spawn(async move {
                    wallets.execute("W", put(&number.to_string(), "1")).await.map(|_| ())
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
    });
}

/// Twins: the same command at the same time, in one program and in several.
#[test]
fn racing_twins_have_one_outcome() {
    block_on(async {
        for round in 0..20 {
            let bench = Bench::new().await;
            bench.put("W", "E1", "10").await.unwrap();
            let programs = Arc::new([bench.elsewhere().await, bench.elsewhere().await]);
            let tasks: Vec<_> = (0..8)
                .map(|twin: usize| {
                    let programs = Arc::clone(&programs);
                    tokio::spawn(async move {
                        let wallets = &programs[twin % 2].wallets;
                        match round % 2 {
                            0 => wallets.execute("W", take("E2", "10")).await,
                            _ => wallets.execute_with("W", take("E2", "10"), id("C1")).await,
                        }
                    })
                })
                .collect();
            let mut first = 0;
            for task in tasks {
                let executed = task.await.unwrap().unwrap();
                assert_eq!((executed.sequence, executed.events.len()), (2, 1));
                first += usize::from(!executed.duplicate);
            }
            assert_eq!((first, bench.events().await), (1, 2));
        }
    });
}

/// A command whose caller gave it up may have landed; the next one finds out.
#[test]
fn a_command_that_is_given_up_confuses_nobody() {
    #[derive(Clone)]
    struct LandsUnheard;

    impl Interceptor<Store> for LandsUnheard {
        async fn append(&self, store: &Store, append: Append) -> Result<Appended, AppendError> {
            let appended = store.append(append).await?;
            if appended.position == 2 {
                std::future::pending::<()>().await;
            }
            Ok(appended)
        }
    }

    block_on(async {
        let (place, store) = new_store().await;
        let bench = Bench::on(Intercepted::new(store, LandsUnheard), place).await;
        bench.put("W", "E1", "1").await.unwrap();
        let patience = std::time::Duration::from_millis(20);
        tokio::time::timeout(patience, bench.put("W", "E2", "1")).await.unwrap_err();
        let again = bench.put("W", "E2", "1").await.unwrap();
        assert!(again.duplicate);
        assert_eq!(bench.put("W", "E3", "1").await.unwrap().state.balance, dec("3"));
    });
}

/// The store was restored from a backup while a program had newer states at hand.
#[test]
fn a_store_that_lost_events_is_read_again() {
    block_on(async {
        let bench = Bench::new().await;
        bench.fill("W", 5).await;
        let (place, restored) = new_store().await;
        Bench::on(restored.clone(), place.clone()).await.fill("W", 2).await;
        let switch = Switch { to: restored, switched: Arc::default() };
        let store = Intercepted::new(bench.store.clone(), switch.clone());
        let wallets = Repository::<Wallet, _>::builder().open(store).await.unwrap();
        wallets.execute("W", put("E6", "1")).await.unwrap();
        switch.switched.store(true, SeqCst);
        let executed = wallets.execute("W", put("E7", "1")).await.unwrap();
        assert_eq!((executed.sequence, executed.state.balance), (3, dec("3")));
    });
}

/// A withdrawal was refused for want of money that, in the restored store, had never been taken out:
/// no append was there to find out that the state at hand was of a future that got lost.
#[test]
fn a_refusal_is_never_decided_on_a_future_that_got_lost() {
    block_on(async {
        let bench = Bench::new().await;
        let (place, restored) = new_store().await;
        let backup = Bench::on(restored.clone(), place).await;
        backup.put("W", "E1", "10").await.unwrap();
        let switch = Switch { to: restored, switched: Arc::default() };
        let store = Intercepted::new(bench.store.clone(), switch.clone());
        let wallets = Repository::<Wallet, _>::builder().open(store).await.unwrap();
        wallets.execute("W", put("E1", "10")).await.unwrap();
        wallets.execute("W", take("E2", "10")).await.unwrap();
        switch.switched.store(true, SeqCst);
        assert_eq!(wallets.execute("W", take("E3", "10")).await.unwrap().sequence, 2);
    });
}

/// A server that took the place of another lacked its last event and had got another one since. Both streams were of one length,
/// so that an append found nothing wrong, and more was taken out than there was.
#[test]
fn a_stream_of_the_same_length_is_told_from_the_one_that_got_lost() {
    block_on(async {
        let (bench, wallets, replaced) = switching().await;
        replaced.backup.put("W", "E1", "10").await.unwrap();
        replaced.backup.take("W", "E2", "5").await.unwrap();
        wallets.execute("W", put("E1", "10")).await.unwrap();
        wallets.execute("W", put("E3", "1000")).await.unwrap();
        replaced.happen();

        wallets.execute("W", take("E4", "900")).await.expect_err("there are 5");

        let executed = wallets.execute("W", take("E5", "4")).await.unwrap();
        assert_eq!((executed.sequence, executed.state.balance), (3, dec("1")));
        assert_eq!(bench.events().await, 2, "nothing more");
    });
}

/// The other server's stream was longer: what was beyond was folded onto the lost future, and a snapshot kept it.
#[test]
fn a_longer_stream_is_told_from_the_one_that_got_lost() {
    block_on(async {
        let (_bench, wallets, replaced) = switching().await;
        replaced.backup.put("W", "E1", "10").await.unwrap();
        replaced.backup.take("W", "E2", "5").await.unwrap();
        replaced.backup.take("W", "E3", "4").await.unwrap();
        wallets.execute("W", put("E1", "10")).await.unwrap();
        wallets.execute("W", put("E4", "1000")).await.unwrap();
        replaced.happen();

        let executed = wallets.execute("W", put("E5", "1")).await.unwrap();

        assert_eq!((executed.sequence, executed.state.balance), (4, dec("2")));
    });
}

/// A refusal looked whether the stream had as many events as before, and not whether they were those.
#[test]
fn a_refusal_is_decided_on_the_stream_that_is_there() {
    block_on(async {
        let (_bench, wallets, replaced) = switching().await;
        replaced.backup.put("W", "E1", "10").await.unwrap();
        replaced.backup.put("W", "E2", "1000").await.unwrap();
        wallets.execute("W", put("E1", "10")).await.unwrap();
        wallets.execute("W", take("E3", "5")).await.unwrap();
        replaced.happen();

        let executed = wallets.execute("W", take("E4", "900")).await.unwrap();

        assert_eq!((executed.sequence, executed.state.balance), (3, dec("110")));
    });
}

/// Most of the time it is the same server, to which the way was broken.
#[test]
fn a_new_connection_to_the_same_store_is_no_conflict() {
    block_on(async {
        let bench = Bench::new().await;
        let same = Bench::on(bench.store.clone(), bench.place.clone()).await;
        let (wallets, replaced) = until_replaced(&bench, same).await;
        wallets.execute("W", put("E1", "10")).await.unwrap();
        replaced.happen();

        let executed = wallets.execute("W", put("E2", "1")).await.unwrap();

        assert_eq!((executed.sequence, executed.state.balance), (2, dec("11")));
        let reads = replaced.reads.swap(0, SeqCst);
        wallets.execute("W", put("E3", "1")).await.unwrap();
        assert_eq!((reads, replaced.reads.load(SeqCst)), (1, 0), "it is confirmed once");
    });
}

/// Two places, one of which takes the place of the other.
async fn switching() -> (Bench, Repository<Wallet, Intercepted<Store, Replaced>>, Replaced) {
    let bench = Bench::new().await;
    let (wallets, replaced) = until_replaced(&bench, Bench::new().await).await;
    (bench, wallets, replaced)
}

async fn until_replaced(
    bench: &Bench,
    backup: Bench,
) -> (Repository<Wallet, Intercepted<Store, Replaced>>, Replaced) {
    let (backup, happened, reads) = (Arc::new(backup), Arc::default(), Arc::default());
    let replaced = Replaced { backup, happened, reads };
    let store = Intercepted::new(bench.store.clone(), replaced.clone());
    let retries = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let wallets = Repository::<Wallet, _>::builder().retries(retries).open(store).await.unwrap();
    (wallets, replaced)
}

/// A server in whose place another comes, as those who are connected notice.
#[derive(Clone)]
struct Replaced {
    backup: Arc<Bench>,
    happened: Arc<AtomicBool>,
    reads: Arc<AtomicU64>,
}

impl Replaced {
    fn happen(&self) {
        self.happened.store(true, SeqCst);
        self.reads.store(0, SeqCst);
    }

    fn pick<'a>(&'a self, from: &'a Store) -> &'a Store {
        if self.happened.load(SeqCst) { &self.backup.store } else { from }
    }
}

impl Interceptor<Store> for Replaced {
    fn epoch(&self, store: &Store) -> u64 {
        1_000 * u64::from(self.happened.load(SeqCst)) + self.pick(store).epoch()
    }

    async fn append(&self, store: &Store, append: Append) -> Result<Appended, AppendError> {
        let epoch = self.epoch(store);
        if append.epoch.is_some_and(|read_in| read_in != epoch) {
            return Err(AppendError::Unconfirmed { epoch });
        }
        self.pick(store).append(Append { epoch: None, ..append }).await
    }

    async fn read_stream(&self, store: &Store, read: StreamRead) -> Result<Page, StoreError> {
        self.reads.fetch_add(1, SeqCst);
        self.pick(store).read_stream(read).await
    }
}

#[derive(Clone)]
struct Switch {
    to: Store,
    switched: Arc<AtomicBool>,
}

impl Switch {
    fn pick<'a>(&'a self, from: &'a Store) -> &'a Store {
        if self.switched.load(SeqCst) { &self.to } else { from }
    }
}

impl Interceptor<Store> for Switch {
    async fn append(&self, store: &Store, append: Append) -> Result<Appended, AppendError> {
        self.pick(store).append(append).await
    }

    async fn read_stream(&self, store: &Store, read: StreamRead) -> Result<Page, StoreError> {
        self.pick(store).read_stream(read).await
    }
}
