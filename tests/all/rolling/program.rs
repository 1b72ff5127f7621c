//! One of two builds of a program. It does what the lines of its input say, and answers each with a line.

/// What the ontology of this build became.
pub mod domain {
    include!("../../ONTOLOGY/eventloom.rs");
}

use domain::till::{Balances, BalancesRow, MoveMoney, TakeNote, TillRepository};
use eventloom_runtime::projection::{Projector, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};

fn main() {
    let file = std::env::args().nth(1).expect("a file");
    eventloom_runtime::block_on(async {
        let database = SqliteDatabase::open(file).expect("the file opens");
        let store = SqliteStore::open(&database).await.expect("the store opens");
        let rows = SqliteReadDatabase::open(&database).await.expect("the rows open");
        let tills = TillRepository::open(store.clone()).await.expect("the repository opens");
        let balances = Projector::<Balances, _, _>::open(store, rows).await;
        let balances = balances.expect("the projection opens");
        let told = |row: BalancesRow| format!("{} in {}", row.balance, row.moves);
        for line in std::io::stdin().lines() {
            let line = line.expect("a line");
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let word = |at: usize| words[at].clone();
            let said = match words[0].as_str() {
                "move" => {
                    let amount = word(2).parse().expect("an amount");
                    let done = tills.execute(word(1), MoveMoney { amount }).await;
                    done.map(|done| format!("{} in {}", done.state.balance, done.state.moves))
                        .unwrap_or_else(|error| format!("error: {error:?}"))
                }
                "note" => {
                    let done = tills.execute(word(1), TakeNote { note: word(2) }).await;
                    done.map(|done| format!("{} in {}", done.state.balance, done.state.moves))
                        .unwrap_or_else(|error| format!("error: {error:?}"))
                }
                "state" => tills
                    .load(word(1))
                    .await
                    .map(|till| format!("{} in {}", till.state.balance, till.state.moves))
                    .unwrap_or_else(|error| format!("error: {error:?}")),
                "follow" => balances
                    .catch_up()
                    .await
                    .map(|position| format!("to {position}"))
                    .unwrap_or_else(|error| format!("error: {error:?}")),
                "row" => {
                    let row = balances.read_model().get(&word(1)).await;
                    row.map(|row| row.map_or("none".to_owned(), told))
                        .unwrap_or_else(|error| format!("error: {error:?}"))
                }
                "status" => {
                    let status = balances.status().await.expect("a status");
                    format!("at {}, {} parked", status.position, status.poison.len())
                }
                other => panic!("there is no `{other}`"),
            };
            println!("{}", said.replace('\n', " "));
        }
    });
}
