//! A small bank: the types, rules and read models of `ontology/banking-account.yaml`.

include!("bank_account.rs");
