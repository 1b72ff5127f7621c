//! Every store keeps every promise.

mod memory {
    eventloom_runtime::store_conformance!(eventloom_runtime::testing::Memory);
}
