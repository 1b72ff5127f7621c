//! Whether what was measured was done: every deposit that was answered is in the tables, and every rebuilt balance is what the
//! events add up to. Asked with SQL, past all contenders.

use eventloom_runtime::Decimal;
use eventloom_runtime::testing::postgres::PostgresServer;

use crate::{CORE, CQRS, ESRS, EVENTLOOM, RAW, connected, database_name, first_word};

/// What a deposit pays in, in cents.
const DEPOSIT: i64 = 10_50;

/// Of each contender: a query of the sum of its events, and one of its rows; in cents. Rows of ours are read with it.
const QUERIES: [(&str, &str, &str); 5] = [
    (
        EVENTLOOM,
        "SELECT (100 * sum((data::json->>'amount')::numeric * \
         CASE event_type WHEN 'MoneyWithdrawn' THEN -1 ELSE 1 END))::bigint \
         FROM eventloom.events JOIN eventloom.shapes ON shapes.id = events.shape",
        "",
    ),
    (
        ESRS,
        "SELECT (100 * sum((payload->>'amount')::numeric))::bigint FROM account_events",
        "SELECT (100 * balance)::bigint FROM balance_view",
    ),
    (
        CQRS,
        "SELECT (100 * sum((payload->>'amount')::numeric))::bigint FROM events",
        "SELECT (100 * (payload->>'balance')::numeric)::bigint FROM balance_view",
    ),
    (
        CORE,
        "SELECT (100 * sum((event_data->>'amount')::numeric))::bigint FROM eventcore_events",
        "SELECT (100 * balance)::bigint FROM balance_view",
    ),
    (
        RAW,
        "SELECT (100 * sum((data::json->>'amount')::numeric))::bigint FROM events",
        "SELECT (100 * balance)::bigint FROM balances",
    ),
];

/// What the events of all contenders added up to when it was last looked at.
pub(crate) struct Ledger {
    section: &'static str,
    sums: Vec<i64>,
}

impl Ledger {
    pub(crate) async fn open(server: &PostgresServer, section: &'static str) -> Self {
        let sums = sums(server, section).await;
        Self { section, sums }
    }

    /// As many deposits of each contender as were answered since it was last looked at.
    pub(crate) async fn check_deposits<'a>(
        &mut self,
        server: &PostgresServer,
        done: impl Iterator<Item = (&'a str, usize)>,
    ) {
        let mut paid = vec![0; QUERIES.len()];
        for (contender, done) in done {
            let is_its = |(name, _, _): &(&str, _, _)| first_word(contender) == *name;
            let at = QUERIES.iter().position(is_its).expect("a contender with a database");
            paid[at] += DEPOSIT * i64::try_from(done).expect("a number");
        }
        let sums = sums(server, self.section).await;
        for (at, (name, _, _)) in QUERIES.iter().enumerate() {
            assert_eq!(sums[at] - self.sums[at], paid[at], "{name} keeps what it answered");
        }
        self.sums = sums;
    }

    /// Every row is what the events of one account add up to: all accounts have the same. Rows of ours are handed in.
    pub(crate) async fn check_rows(&self, server: &PostgresServer, ours: &[(String, Decimal)]) {
        self.check_ours(ours);
        for (at, (name, _, rows)) in QUERIES.iter().enumerate().filter(|(_, it)| it.0 != EVENTLOOM)
        {
            let client = connected(server, &database_name(name, self.section)).await;
            let rows = client.query(*rows, &[]).await.expect("rows");
            self.check(at, &rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>());
        }
    }

    /// The same of ours alone.
    pub(crate) fn check_ours(&self, ours: &[(String, Decimal)]) {
        let cents = |balance: Decimal| i64::try_from(balance * Decimal::from(100)).expect("cents");
        self.check(0, &ours.iter().map(|row| cents(row.1)).collect::<Vec<i64>>());
    }

    fn check(&self, at: usize, rows: &[i64]) {
        let name = QUERIES[at].0;
        assert_eq!(rows.iter().sum::<i64>(), self.sums[at], "{name} has all balances right");
        assert!(rows.iter().all(|row| *row == rows[0]), "{name} has each balance right");
    }
}

async fn sums(server: &PostgresServer, section: &str) -> Vec<i64> {
    let mut sums = Vec::new();
    for (name, sum, _) in QUERIES {
        let client = connected(server, &database_name(name, section)).await;
        sums.push(client.query_one(sum, &[]).await.expect("a sum").get(0));
    }
    sums
}
