//! The runtime's behaviour through its public API, in one binary so that it links once.
#![allow(clippy::duplicate_mod, reason = "the tests of the repository run on each store")]

#[cfg(feature = "testing-postgres")]
mod archive_roles;
#[cfg(any(feature = "sqlite", feature = "testing-postgres"))]
mod archiving;
mod blind;
mod clock;
mod codec;
mod conformance;
mod messages;
#[cfg(feature = "testing-postgres")]
mod postgres;
#[cfg(feature = "testing-postgres")]
mod postgres_failures;
mod projection;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tab;
mod wallet;
#[cfg(feature = "sqlite")]
mod whole;

/// The repository on each store.
#[path = "."]
mod on_memory {
    use eventloom_runtime::testing::Memory as Kind;

    #[path = "repository/mod.rs"]
    mod repository;
}

#[cfg(feature = "sqlite")]
#[path = "."]
mod on_sqlite {
    use eventloom_runtime::testing::Sqlite as Kind;

    #[path = "archive/mod.rs"]
    mod archive;
    #[path = "repository/mod.rs"]
    mod repository;
}

#[cfg(feature = "testing-postgres")]
#[path = "."]
mod on_postgres {
    use eventloom_runtime::testing::Postgres as Kind;

    #[path = "archive/mod.rs"]
    mod archive;
    #[cfg(target_os = "linux")]
    #[path = "archive_failover.rs"]
    mod archive_failover;
    #[path = "repository/mod.rs"]
    mod repository;
}
