//! A repository takes the commands of its own aggregate.

#[path = "../data/ok/bank/expected.rs"]
mod bank;
#[path = "../data/ok/upcasts/expected.rs"]
mod upcasts;

use bank::bank_account::BankAccountRepository;
use eventloom_runtime::store::MemoryStore;
use upcasts::invoice::IssueInvoice;

async fn issue(accounts: &BankAccountRepository<MemoryStore>, command: IssueInvoice) {
    let _ = accounts.execute("A1", command).await;
}

fn main() {}
