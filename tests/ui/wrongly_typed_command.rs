//! An amount of money is a decimal, and no float or text becomes one by itself.

#[path = "../data/ok/bank/expected.rs"]
mod bank;

use bank::bank_account::WithdrawMoney;

fn main() {
    let _ = WithdrawMoney { amount: 10.5, transaction_id: "T1".to_owned() };
    let _ = WithdrawMoney { amount: "10.5", transaction_id: "T1".to_owned() };
}
