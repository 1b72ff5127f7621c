//! Every store keeps every promise.

mod memory {
    eventloom_runtime::store_conformance!(eventloom_runtime::testing::Memory);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    eventloom_runtime::store_conformance!(eventloom_runtime::testing::Sqlite);
}

#[cfg(feature = "testing-postgres")]
mod postgres {
    eventloom_runtime::store_conformance!(eventloom_runtime::testing::Postgres);
}
