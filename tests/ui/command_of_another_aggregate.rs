//! A repository takes the commands of its own aggregate.

use eventloom_runtime::store::MemoryStore;
use eventloom_tests::goldens::bank::bank_account::BankAccountRepository;
use eventloom_tests::goldens::upcasts::invoice::IssueInvoice;

async fn issue(accounts: &BankAccountRepository<MemoryStore>, command: IssueInvoice) {
    let _ = accounts.execute("A1", command).await;
}

fn main() {}
