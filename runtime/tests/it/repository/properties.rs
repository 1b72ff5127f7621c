//! For any commands: what a repository answers does not depend on what it has at hand.

use eventloom_runtime::repository::AsOf;
use eventloom_runtime::testing::{StoreKind, TestClock, block_on};
use eventloom_runtime::{CommandContext, EventStore, Repository};
use proptest::prelude::*;

use super::{Kind, Outcome, Store, new_store, put, take};
use crate::wallet::{Open, PutTwice, Settle, TakeNoted, Wallet, WalletState, dec};

#[derive(Clone, Debug)]
struct Call {
    stream: &'static str,
    command: Which,
    id: Option<u8>,
    /// The program that carries it out, and whether it starts anew before.
    program: usize,
    restarted: bool,
}

#[derive(Clone, Debug)]
enum Which {
    Put(u8, i64),
    Take(u8, i64),
    TakeNoted(u8, i64),
    Twice(u8, i64),
    Settle(i64),
    Open(u8),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let which = prop_oneof![
        (any::<u8>(), 0..50_i64).prop_map(|(entry, amount)| Which::Put(entry % 40, amount)),
        (any::<u8>(), 0..50_i64).prop_map(|(entry, amount)| Which::Take(entry % 40, amount)),
        (any::<u8>(), 0..50_i64).prop_map(|(entry, amount)| Which::TakeNoted(entry % 40, amount)),
        (any::<u8>(), 0..50_i64).prop_map(|(entry, amount)| Which::Twice(entry % 40, amount)),
        (-150..50_i64).prop_map(Which::Settle),
        (0..4_u8).prop_map(Which::Open),
    ];
    let call = (
        prop_oneof![Just("W"), Just("V")],
        which,
        prop::option::weighted(0.3, 0..12_u8),
        0..2_usize,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(stream, command, id, program, restarted)| Call {
            stream,
            command,
            id,
            program,
            restarted,
        });
    prop::collection::vec(call, 1..60)
}

async fn call(wallets: &Repository<Wallet, Store>, call: &Call) -> Outcome {
    let mut context = CommandContext::new();
    context.command_id = call.id.map(|id| id.to_string().into());
    let (stream, amount) = (call.stream, |amount: &i64| dec(&amount.to_string()));
    match &call.command {
        Which::Put(entry, cents) => {
            let put = put(&entry.to_string(), &cents.to_string());
            wallets.execute_with(stream, put, context).await
        }
        Which::Take(entry, cents) => {
            let take = take(&entry.to_string(), &cents.to_string());
            wallets.execute_with(stream, take, context).await
        }
        Which::TakeNoted(entry, cents) => {
            let take = TakeNoted { entry: entry.to_string(), amount: amount(cents) };
            wallets.execute_with(stream, take, context).await
        }
        Which::Twice(entry, cents) => {
            let twice = PutTwice { entry: entry.to_string(), amount: amount(cents) };
            wallets.execute_with(stream, twice, context).await
        }
        Which::Settle(balance) => {
            wallets.execute_with(stream, Settle { balance: amount(balance) }, context).await
        }
        Which::Open(name) => {
            wallets.execute_with(stream, Open { name: name.to_string() }, context).await
        }
    }
}

/// What an outcome tells, but for chance: ids differ from run to run.
#[derive(Debug, PartialEq)]
enum Told {
    Done {
        events: Vec<crate::wallet::WalletEvent>,
        sequence: u64,
        duplicate: bool,
        state: WalletState,
    },
    Not(String),
}

fn told(outcome: Outcome, settles: bool) -> Told {
    match outcome {
        Ok(done) => Told::Done {
            // Settling makes an entry of a new id.
            events: if settles {
                Vec::new()
            } else {
                done.events.into_iter().map(|recorded| recorded.event).collect()
            },
            sequence: done.sequence,
            duplicate: done.duplicate,
            state: done.state,
        },
        Err(error) => Told::Not(error.to_string()),
    }
}

async fn open(store: &Store, cache: usize, page: usize) -> Repository<Wallet, Store> {
    let builder = Repository::builder().clock(TestClock::default());
    builder.cache_size(cache).page_size(page).open(store.clone()).await.unwrap()
}

proptest! {
    // Each case is dozens of commands, which a disk makes slow.
    #![proptest_config(ProptestConfig {
        cases: if Kind::NAME == "memory" { 48 } else { 3 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn caches_restarts_and_other_programs_change_no_outcome(calls in calls()) {
        block_on(async {
            let ((_place, plain), (_shared_place, shared)) = (new_store().await, new_store().await);
            let mut programs = [open(&shared, 1, 3).await, open(&shared, 100, 50).await];
            for next in &calls {
                if next.restarted {
                    programs[next.program] = open(&shared, 2, 3).await;
                }
                // The oracle knows nothing from before: no cache, a new repository every time.
                let expected = call(&open(&plain, 0, 1_000).await, next).await;
                let found = call(&programs[next.program], next).await;
                let settles = matches!(next.command, Which::Settle(_));
                prop_assert_eq!(told(found, settles), told(expected, settles), "{:?}", next);
            }
            for stream in ["W", "V"] {
                let live = programs[0].load(stream).await.unwrap();
                let replayed = replay(&shared, stream).await;
                prop_assert_eq!(&live.state, &replayed[live.sequence as usize]);
                for (sequence, state) in (0..).zip(&replayed) {
                    let moment = AsOf::Sequence(sequence);
                    let then = programs[1].load_as_of(stream, moment).await.unwrap();
                    prop_assert_eq!(&then.state, state);
                }
            }
            Ok(())
        })?;
    }
}

/// The states of a stream after each of its events, folded without the repository.
async fn replay(store: &Store, stream: &str) -> Vec<WalletState> {
    use eventloom_runtime::store::{Direction, StreamRead};
    use eventloom_runtime::{Aggregate, DomainEvent};
    let page = store.read_stream(StreamRead {
        stream: super::wallet(stream),
        after: 0,
        direction: Direction::Forwards,
        limit: usize::MAX,
        metadata: true,
    });
    let mut states = vec![WalletState::default()];
    for stored in page.await.unwrap().iter() {
        let mut state = states[states.len() - 1].clone();
        let event =
            DomainEvent::read(stored.event_type, stored.version, stored.data, stored.meta).unwrap();
        Wallet::apply(&mut state, &event, stored.meta).unwrap();
        states.push(state);
    }
    states
}
