//! Two hundred kills in one run: of programs, of the server, of connections at any byte; and programs that stop for a while
//! and come back. An independent log of what was acknowledged is the judge.

use std::collections::{BTreeMap, HashMap};
use std::thread::sleep;
use std::time::{Duration, Instant};

use eventloom_runtime::store::EventFilter;
use eventloom_runtime::store::postgres::PostgresDatabase;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::PostgresServer;
use eventloom_runtime::{Decimal, EventStore};

use crate::proxy::Proxy;
use crate::teller::{ACCOUNTS, Paid, Teller, open};

/// Kills that are asked for; `EVENTLOOM_KILLS` asks for others.
const KILLS: u64 = 200;
/// A run ends after that, whatever it has come to.
const LONGEST: Duration = Duration::from_secs(300);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled() {
    let seed = number("EVENTLOOM_SEED").unwrap_or_else(|| fastrand::u64(..));
    let wanted = number("EVENTLOOM_KILLS").unwrap_or(KILLS);
    println!("EVENTLOOM_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut server =
        PostgresServer::start(&["fsync=off", "full_page_writes=off"]).expect("a server");
    let proxy = Proxy::to(server.port());
    let direct = server.url("postgres");
    let through = direct.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let (mut paid, mut programs, mut crashes) = (Vec::new(), 0, 0);
    let start = Instant::now();
    let mut tellers: Vec<Teller> = (0..2).map(|_| begin(&through, &mut programs)).collect();
    while programs - 2 + crashes + proxy.cuts() < wanted && start.elapsed() < LONGEST {
        sleep(Duration::from_millis(random.u64(30..400)));
        match random.u8(..10) {
            0..=3 => {
                let victim = tellers.swap_remove(random.usize(..tellers.len()));
                paid.extend(victim.kill());
                tellers.push(begin(&through, &mut programs));
            }
            4 => {
                server.crash().expect("a crash");
                sleep(Duration::from_millis(random.u64(..200)));
                server.restart().expect("a restart");
                crashes += 1;
            }
            5 => {
                let held = &tellers[random.usize(..tellers.len())];
                held.hold(Duration::from_millis(random.u64(50..700)));
            }
            // Some in the middle of a message, some in the middle of an answer.
            _ => proxy.cut_after(random.u32(..3_000)),
        }
    }
    sleep(Duration::from_millis(500));
    for teller in tellers {
        paid.extend(teller.kill());
    }
    let kills = programs + crashes + proxy.cuts();
    println!(
        "{kills} kills in {:?}: {programs} programs, {crashes} servers, {} times connections; \
         {} commands acknowledged",
        start.elapsed(),
        proxy.cuts(),
        paid.len()
    );
    assert!(kills >= wanted, "only {kills} kills came to pass in {LONGEST:?}");
    assert!(paid.len() as u64 > wanted, "next to nothing was acknowledged");
    let found = block_on(judge(&direct, &paid));
    println!("lost 0, duplicated 0; {found} more were carried out and not acknowledged");
}

fn begin(url: &str, programs: &mut u64) -> Teller {
    *programs += 1;
    Teller::start(url, &format!("P{programs}"))
}

/// Looks at what is there: each acknowledged payment once, in its account, with its amount; positions and sequences
/// without gap; rows that are what a fold of the events gives. Tells how many payments nobody was told of.
async fn judge(url: &str, paid: &[Paid]) -> usize {
    let database = PostgresDatabase::at(url).expect("an address");
    let (accounts, balances) = open(&database).await.expect("the bank");
    let store = accounts.store();
    let (mut found, mut folded) = (HashMap::new(), BTreeMap::<String, (u64, Decimal)>::new());
    let (mut after, mut position) = (0, 0);
    loop {
        let filter = EventFilter { metadata: true, ..EventFilter::default() };
        let page = store.read_all(after, &filter, 1_000).await.expect("a page");
        for event in page.events.iter() {
            position += 1;
            assert_eq!(event.position, position, "positions have no gap");
            let data: serde_json::Value = serde_json::from_slice(event.data).expect("JSON");
            let account = event.meta.stream_id.to_string();
            let (sequence, balance) = folded.entry(account.clone()).or_default();
            *sequence += 1;
            assert_eq!(event.meta.sequence, *sequence, "sequences of {account} have no gap");
            if event.event_type == "MoneyDeposited" {
                let id = data["transactionId"].as_str().expect("an id").to_owned();
                let amount: Decimal =
                    data["amount"].as_str().expect("an amount").parse().expect("a decimal");
                *balance += amount;
                let before = found.insert(id.clone(), (account, amount));
                assert_eq!(before, None, "the payment {id} is there twice");
            }
        }
        after = page.next;
        if page.events.at_end() {
            break;
        }
    }
    for (account, id, amount) in paid {
        let there = found.get(id).unwrap_or_else(|| panic!("the payment {id} is lost"));
        assert_eq!(there, &(account.clone(), Decimal::from(*amount)), "{id}");
    }
    balances.catch_up().await.expect("the rows catch up");
    let rows = balances.read_model().page(None, 100).await.expect("rows");
    assert_eq!(rows.len(), folded.len());
    assert!(rows.len() <= ACCOUNTS);
    for row in rows {
        let (sequence, balance) = folded[&row.account_id];
        let version = u64::try_from(row.version).expect("a version");
        assert_eq!((row.balance, version), (balance, sequence), "{}", row.account_id);
        let loaded = accounts.load(row.account_id.as_str()).await.expect("an account");
        assert_eq!((loaded.state.balance, loaded.sequence), (balance, sequence));
    }
    let state = balances.read_model().count().await.expect("a count");
    assert_eq!(state, folded.len() as u64);
    found.len() - paid.len()
}
