//! A small bank: the types, rules and read models of `ontology/banking-account.yaml`.

eventloom_runtime::include_ontology!();
