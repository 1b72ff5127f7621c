//! The bank on PostgreSQL while programs, servers and connections between them are killed.
//!
//! The tests start this very binary again as the programs that are killed: see [`teller`].

mod kills;
mod proxy;
mod teller;
