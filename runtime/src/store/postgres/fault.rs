//! Failures of PostgreSQL, told as failures of the store: which database, what happened, what to do.
//!
//! Two failures that call for different actions never share a message.

use std::error::Error as _;
use std::fmt;

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::options::Address;
use crate::metadata::Position;
use crate::store::StoreError;
use crate::store::names::UnlikelyName;
use crate::values::RangeError;

/// How a connection is told that a copy into its database is unfinished.
const UNFINISHED_COPY: &str = "EVCPY";
/// How a migration refuses what no program reads any more.
const TOO_OLD: &str = "EVOLD";

/// A job on a database ended without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The server or the way to it failed.
    #[error(transparent)]
    Postgres(#[from] Error),
    /// There was no connection to be had.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The server has not answered for longer than anything takes.
    #[error("the server does not answer")]
    NoAnswer,
    /// A stored value is not what it should be.
    #[error("a stored value is not what it should be: {0}")]
    Value(String),
    /// The event at a position is damaged.
    #[error("the event at position {0} is damaged: {1}")]
    Event(Position, String),
    /// A commit was sent, and the server has not answered.
    #[error("the server has not answered a commit: {0}")]
    Unknown(Box<Fault>),
    /// The job gave up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RangeError> for Fault {
    fn from(error: RangeError) -> Self {
        Self::Value(error.to_string())
    }
}

impl From<UnlikelyName> for Fault {
    fn from(error: UnlikelyName) -> Self {
        match error {
            UnlikelyName::TooLong => Self::Value(error.to_string()),
            // It may be the fault of another database.
            UnlikelyName::TooMany => Self::Store(StoreError::Unsupported(error.to_string())),
        }
    }
}

impl Fault {
    /// As a failure of the store at an address. What was sent has changed nothing.
    pub(crate) fn at(self, address: &Address) -> StoreError {
        match self {
            Self::Postgres(error) => told(&error, address),
            Self::Pool(error) => without_connection(error, address),
            Self::Value(reason) => {
                corrupt(address, &format!("a stored value is not what it should be: {reason}"))
            }
            Self::Event(position, reason) => {
                damaged("event", format!("position {position} in {address}"), &reason)
            }
            Self::NoAnswer => StoreError::Unavailable(format!(
                "{address} does not answer, and was not told to keep anything; nothing was changed: look whether the server \
                 hangs, and try again"
            )),
            Self::Unknown(fault) => unknown(&fault, address),
            Self::Store(error) => error,
        }
    }

    /// Whether nothing of what was sent is left standing: the server has answered, and says what it refused, or nothing was
    /// sent that it could have answered.
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Self::Postgres(error) => {
                is_unsent(error) || error.as_db_error().is_some_and(|error| !is_fatal(error))
            }
            Self::Unknown(_) | Self::NoAnswer => false,
            Self::Pool(_) | Self::Value(_) | Self::Event(..) | Self::Store(_) => true,
        }
    }

    /// The server's code, where it has answered.
    pub(crate) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            _ => None,
        }
    }

    /// Whether the server ended what was sent for the sake of another transaction, so that the same may be sent again.
    pub(crate) fn gave_way(&self) -> bool {
        let codes = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.is_answer() && self.code().is_some_and(|code| codes.contains(code))
    }

    /// Whether the server, or this connection to it, can only be read.
    pub(super) fn is_read_only(&self) -> bool {
        self.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
    }

    /// Whether the server can't hold a value that was sent.
    pub(crate) fn is_of_value(&self) -> bool {
        matches!(self.class(), "22" | "54")
    }

    fn class(&self) -> &str {
        self.code().map_or("", |code| &code.code()[..2])
    }

    /// Whether what was sent may be at fault, so that it is worth trying its parts by themselves.
    pub(crate) fn may_be_of_one(&self) -> bool {
        let is_unsent = matches!(self, Self::Postgres(error) if is_unsent(error));
        is_unsent || matches!(self.class(), "22" | "23" | "54")
    }
}

/// Whether the connection ends with it: such an error comes also after a commit, which it says nothing of.
fn is_fatal(error: &DbError) -> bool {
    !matches!(error.parsed_severity(), Some(Severity::Error))
}

/// Whether the driver could not put it into a message, so that nothing was sent.
fn is_unsent(error: &Error) -> bool {
    let said = error.to_string();
    let of_driver = ["error serializing", "error encoding", "expected "];
    error.as_db_error().is_none() && of_driver.iter().any(|it| said.starts_with(it))
}

/// The outcome of what was sent is not known.
pub(super) fn unknown(error: &Fault, address: &Address) -> StoreError {
    StoreError::OutcomeUnknown(format!(
        "the connection to {address} broke after a commit was sent ({})",
        reason(error)
    ))
}

fn reason(error: &Fault) -> String {
    match error {
        Fault::Postgres(error) => causes(error),
        other => other.to_string(),
    }
}

/// An error with what it came from.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn without_connection(error: PoolError, address: &Address) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            told(&error, address)
        }
        PoolError::Timeout(_) => StoreError::Unavailable(format!(
            "all connections of this program to {address} have been in use, or none could be made, for as long as \
             it waits; nothing was changed: try again, or give it more `connections`"
        )),
        other => StoreError::Unavailable(format!("{address} can't be used: {other}")),
    }
}

fn told(error: &Error, address: &Address) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        let said = error.to_string();
        if said.starts_with("error deserializing") {
            return corrupt(
                address,
                &format!("a stored value is not what it should be: {}", causes(error)),
            );
        }
        if is_unsent(error) {
            return StoreError::Unwritable(format!(
                "{address} can't be sent this ({}); nothing was changed: ask for less at a time",
                causes(error)
            ));
        }
        return StoreError::Unavailable(format!(
            "{address} can't be reached or has gone ({}); nothing was changed: check that the server runs and can be \
             reached from here, and try again",
            causes(error)
        ));
    };
    explained(answer, address)
}

fn explained(answer: &DbError, address: &Address) -> StoreError {
    let said = Said(answer);
    let code = answer.code();
    let unavailable = |what: &str, advice: &str| {
        StoreError::Unavailable(format!("{address} {what} ({said}); nothing was changed: {advice}"))
    };
    let unwritable = |what: &str, advice: &str| {
        StoreError::Unwritable(format!("{address} {what} ({said}); nothing was changed: {advice}"))
    };
    if code.code() == UNFINISHED_COPY {
        let (copied, of) = answer.message().split_once(' ').unwrap_or_default();
        let position = |text: &str| text.parse().unwrap_or(0);
        let (copied, of) = (position(copied), position(of));
        return StoreError::UnfinishedCopy { place: address.to_string(), copied, of };
    }
    if code.code() == TOO_OLD {
        return StoreError::Foreign(format!("{address}: {}", answer.message()));
    }
    if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
    {
        return unavailable(
            "does not let this program in",
            "check its user, its password and `pg_hba.conf`",
        );
    }
    if *code == SqlState::INVALID_CATALOG_NAME {
        return unavailable("is not there", "create the database, or name another one");
    }
    if *code == SqlState::TOO_MANY_CONNECTIONS {
        return unavailable(
            "has no connection left",
            "raise `max_connections`, or let programs have fewer `connections`",
        );
    }
    if *code == SqlState::CANNOT_CONNECT_NOW {
        return unavailable("is starting or stopping", "try again in a moment");
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return unwritable(
            "does not allow this user what it tried",
            "let who owns the tables grant what a program needs, by `PostgresDatabase::grant`; projections are run by \
             the owner",
        );
    }
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return unwritable("can only be read", "name the server that takes changes, not a standby");
    }
    if *code == SqlState::DISK_FULL {
        return unwritable("has a full disk", "free some space and try again");
    }
    if *code == SqlState::OUT_OF_MEMORY {
        return unavailable("has no memory left", "give the server more, or less to do");
    }
    if *code == SqlState::LOCK_NOT_AVAILABLE {
        return unavailable(
            "is locked by another session",
            "look in `pg_stat_activity` for a transaction that was left open, end it, and try again",
        );
    }
    if *code == SqlState::DEPENDENT_OBJECTS_STILL_EXIST {
        return unwritable("has views that name what is to go", "drop or change them first");
    }
    if *code == SqlState::QUERY_CANCELED {
        return unavailable(
            "took too long, or somebody cancelled it",
            "look at `statement_timeout`, and try again",
        );
    }
    if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        return unavailable("let another session go first", "try again");
    }
    if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED, SqlState::UNDEFINED_FILE]
        .contains(code)
    {
        return corrupt(address, &said.to_string());
    }
    match &code.code()[..2] {
        "08" | "57" => unavailable("ended the connection", "try again"),
        "25" => unavailable(
            "ended a transaction that stood still for too long, or refused what does not go with it",
            "try again",
        ),
        "22" | "54" => unwritable("can't hold a value", "make it shorter, or plain text in UTF-8"),
        "23" => corrupt(address, &format!("what is stored contradicts itself ({said})")),
        "3F" | "42" => StoreError::Foreign(format!(
            "{address} lacks something of Eventloom's, or has it in another form ({said}); nothing was changed: \
             run the newest program that has opened it; where that says so too, restore its schema `eventloom` from a \
             backup, or name another database"
        )),
        _ => unavailable("refused what it was asked", "look up the code, and try again"),
    }
}

/// The database is damaged.
pub(super) fn corrupt(address: &Address, reason: &str) -> StoreError {
    damaged("database", address.to_string(), reason)
}

fn damaged(what: &str, place: String, reason: &str) -> StoreError {
    let reason = format!("{reason}; restore the database from a backup");
    StoreError::Corrupt { what: what.to_owned(), place, reason }
}

/// What a server said, in one line.
struct Said<'a>(&'a DbError);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        write!(f, "{}", error.message())?;
        // Of a row that is there already it names the values, which are nobody's business here.
        let is_told = !error.code().code().starts_with("23");
        if let Some(detail) = error.detail().filter(|_| is_told) {
            write!(f, ": {detail}")?;
        }
        write!(f, ", SQLSTATE {}", error.code().code())
    }
}
