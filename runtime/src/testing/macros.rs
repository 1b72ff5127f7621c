//! What generated test files are made of.

/// Includes the harness that the build script generated from an ontology: the one line of a test file
/// such as `tests/harness.rs`.
///
/// The generated code takes the ontology's types from the root of the package's library. Where they
/// are included elsewhere, name the module: `include_harness!(my_crate::domain)`; in a package without
/// a library, in `src/main.rs`: `#[cfg(test)] mod harness { eventloom_runtime::include_harness!(crate); }`.
#[macro_export]
macro_rules! include_harness {
    () => {
        include!(concat!(env!("OUT_DIR"), "/harness_ontology.rs"));
        include!(concat!(env!("OUT_DIR"), "/harness.rs"));
    };
    ($ontology:path) => {
        use $ontology as ontology;
        include!(concat!(env!("OUT_DIR"), "/harness.rs"));
    };
}

/// One `#[test]` per kind of store that is switched on: `name = check;`, where the check takes the
/// kind.
#[macro_export]
macro_rules! on_every_store {
    ($($(#[$meta:meta])* $name:ident = $check:expr;)+) => {
        $($(#[$meta])* mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[test]
            fn on_memory() -> $crate::testing::Check {
                ($check)($crate::testing::Memory)
            }

            $crate::on_sqlite!($check);
            $crate::on_postgres!($check);
        })+
    };
}

/// The part of [`on_every_store`] for SQLite.
#[cfg(feature = "sqlite")]
#[doc(hidden)]
#[macro_export]
macro_rules! on_sqlite {
    ($check:expr) => {
        #[test]
        fn on_sqlite() -> $crate::testing::Check {
            ($check)($crate::testing::Sqlite)
        }
    };
}

/// The part of [`on_every_store`] for SQLite, which is switched off.
#[cfg(not(feature = "sqlite"))]
#[doc(hidden)]
#[macro_export]
macro_rules! on_sqlite {
    ($check:expr) => {};
}

/// The part of [`on_every_store`] for PostgreSQL.
#[cfg(feature = "testing-postgres")]
#[doc(hidden)]
#[macro_export]
macro_rules! on_postgres {
    ($check:expr) => {
        #[test]
        fn on_postgres() -> $crate::testing::Check {
            ($check)($crate::testing::Postgres)
        }
    };
}

/// The part of [`on_every_store`] for PostgreSQL, which is switched off.
#[cfg(not(feature = "testing-postgres"))]
#[doc(hidden)]
#[macro_export]
macro_rules! on_postgres {
    ($check:expr) => {};
}
