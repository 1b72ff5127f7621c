//! Opening the file: creating it whole or not at all, telling ours from foreign, newer and damaged
//! ones, and setting up connections.
//!
//! Refuses to touch a file that it does not recognise.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::decimal::{self, DECIMAL_COLLATION};
use super::fault::{self, JobError};
use super::{SqliteOptions, Synchronous, text};
use crate::store::StoreError;

/// Marks a file as ours, in SQLite's header: `Evtl`.
const APPLICATION_ID: i32 = 0x4576_746c;
/// Format of the file; a program refuses files of a later one.
pub(super) const FORMAT: i32 = 1;
/// Format of a file of which events were archived. A program that knows nothing of archives would take what is left for
/// the whole.
pub(super) const FORMAT_WITH_ARCHIVE: i32 = 2;
/// Format of a file into which a copy is unfinished: no program takes a part of a store for the whole, also none that
/// knows nothing of this (`copy` in ASCII).
pub(super) const FORMAT_OF_PART: i32 = 0x636f_7079;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 128;
/// Page cache of the writing connection in KiB: its dirty pages stay in memory until the commit.
const WRITER_CACHE_KIB: u32 = 32 * 1024;
/// Page cache of a reading connection in KiB.
const READER_CACHE_KIB: u32 = 8 * 1024;
/// Bytes that a write-ahead log keeps on the disk when it starts anew. It grows beyond while a reader
/// keeps it from being moved into the file.
const LOG_BYTES: u32 = 32 * 1024 * 1024;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// Opens the writing connection, creating the file where there is none.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    check_name(path)?;
    match fs::metadata(path) {
        Ok(file) => check_place(path, &file)?,
        Err(_) if path.is_symlink() => return Err(leads_nowhere(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(error) => return Err(cannot_open(path, &error)),
    }
    let mut connection = connect(path, Role::Writer, options)?;
    recognise(&mut connection, path)
        .and_then(|()| use_wal(&connection, path))
        .map_err(|error| explain(path, error))?;
    Ok(connection)
}

/// Refuses a name that SQLite gives to what lies beside the file of a database: where `bank.db` is opened, whatever
/// `bank.db-wal` holds is taken for its log, and cut.
fn check_name(path: &Path) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = ["-wal", "-shm", "-journal"].iter().find_map(|end| name.strip_suffix(end));
    let Some(database) = beside else { return Ok(()) };
    Err(StoreError::Foreign(format!(
        "{} is what SQLite calls a file of its own that lies beside the database {database}; name another one",
        path.display()
    )))
}

/// Opens a connection to a file that [`open_writer`] has accepted.
pub(super) fn connect(
    path: &Path,
    role: Role,
    options: &SqliteOptions,
) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .map_err(JobError::from)
        .and_then(|mut connection| {
            set_up(&mut connection, role, options)?;
            Ok(connection)
        })
        .map_err(|error| explain(path, error))
}

fn set_up(
    connection: &mut Connection,
    role: Role,
    options: &SqliteOptions,
) -> Result<(), rusqlite::Error> {
    connection.busy_handler(Some(wait_for_lock(options.busy_timeout)))?;
    // Plans must not depend on the values bound to them: statements would be compiled over and over.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.create_collation(DECIMAL_COLLATION, decimal::compare)?;
    text::register(connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let cache = match role {
        Role::Writer => WRITER_CACHE_KIB,
        Role::Reader => READER_CACHE_KIB,
    };
    connection.pragma_update(None, "cache_size", -i64::from(cache))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "query_only", role == Role::Reader)?;
    // Where an ordinary sync leaves what was written in the disk's own memory, as on macOS.
    connection.pragma_update(None, "fullfsync", options.synchronous == Synchronous::Full)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "synchronous", level(options.synchronous))
}

pub(super) fn level(synchronous: Synchronous) -> &'static str {
    match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    }
}

/// Sleeps between attempts to get a lock, shortly at first, until the timeout. SQLite's own handler
/// sleeps up to 100 ms at a time, which starves one of two busy writers.
fn wait_for_lock(timeout: Duration) -> impl FnMut(i32) -> bool + Send {
    let mut since = Instant::now();
    move |attempts| {
        if attempts == 0 {
            since = Instant::now();
        }
        let waiting = since.elapsed() < timeout && PATIENT.get();
        if waiting {
            let doublings = attempts.clamp(0, 6).unsigned_abs();
            std::thread::sleep(Duration::from_micros(50 << doublings));
        }
        waiting
    }
}

thread_local! {
    /// Whether statements of this thread wait for locks.
    static PATIENT: Cell<bool> = const { Cell::new(true) };
}

/// Runs work whose statements fail at once where another program has a lock.
pub(super) fn without_waiting<T>(work: impl FnOnce() -> T) -> T {
    PATIENT.set(false);
    let result = work();
    PATIENT.set(true);
    result
}

/// Looks at what lies there before SQLite does, which waits at a pipe, and takes a file of no byte or
/// one for a new database.
///
/// Nothing but SQLite ever opens the file or what lies beside it: when a process closes a file, the
/// system drops all locks that the process has on it, also those of connections that go on using it.
fn check_place(path: &Path, file: &fs::Metadata) -> Result<(), StoreError> {
    if !file.is_file() {
        let what = if file.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
        return Err(StoreError::Foreign(format!(
            "{} is {what}; name a file, which is created where there is none",
            path.display()
        )));
    }
    match file.len() {
        0 => Err(cut_off(path, 0)),
        1 => Err(fault::not_a_database(&path.display().to_string())),
        _ => Ok(()),
    }
}

/// Refuses a file that ends within its last page, of which SQLite would read zeros. Where this transaction
/// reads from the log, nobody begins that anew or cuts it; what others copy from it meanwhile only makes the
/// file longer. Where it reads from the file alone, nobody copies anything into that.
fn check_length(view: &Connection, path: &Path) -> Result<(), JobError> {
    let number = |name: &str| view.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let expected = number("page_size")?.saturating_mul(number("page_count")?).unsigned_abs();
    let length = fs::metadata(path).map_err(|error| cannot_open(path, &error))?.len();
    if length < expected && !has_log(path) { Err(cut_off(path, length).into()) } else { Ok(()) }
}

/// Whether a crash left a write-ahead log; then the file may rightly lack pages that the log has. It
/// lies beside the file itself, not beside a symbolic link to it.
fn has_log(path: &Path) -> bool {
    let mut log = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Creates an empty database under another name and links it to its own when it is complete, so that
/// a crash never leaves half a file, and of two programs that create one only the first does.
fn create(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if folder.is_dir() => folder,
        Some(folder) => {
            return Err(StoreError::Unavailable(format!(
                "{} cannot be created: there is no folder {}; create it first",
                path.display(),
                folder.display()
            )));
        }
        None => return Err(StoreError::Foreign(format!("{} is no file", path.display()))),
    };
    let draft = draft_path(path);
    let created = write_empty(&draft)
        .and_then(|()| publish(&draft, path))
        .map_err(|error| cannot_create(path, folder, &error));
    // The draft is of no use any more, whether it has been linked or not; it may not exist.
    let _ = fs::remove_file(&draft);
    created?;
    sync_folder(folder).map_err(|error| cannot_open(path, &error))
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    path.with_file_name(name)
}

fn write_empty(path: &Path) -> Result<(), rusqlite::Error> {
    let connection = Connection::open(path)?;
    let transaction = connection.unchecked_transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

fn publish(draft: &Path, path: &Path) -> Result<(), rusqlite::Error> {
    match fs::hard_link(draft, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no links. Renaming the draft would replace the file of another
        // program that has created one by now, with all that is in it.
        Err(_) => write_empty(path),
    }
}

/// Makes the new file's name durable; acknowledged events must not vanish with it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Accepts our own files, and marks one that holds nothing yet.
fn recognise(connection: &mut Connection, path: &Path) -> Result<(), JobError> {
    if connection.is_readonly("main")? {
        return Err(StoreError::Unwritable(format!(
            "{} is read-only; {}",
            path.display(),
            fault::WRITABLE
        ))
        .into());
    }
    let view = connection.transaction()?;
    let header = |name: &str| view.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, format) = (header("application_id")?, header("user_version")?);
    let tables: i64 = view.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    check_length(&view, path)?;
    drop(view);
    match (application, format) {
        (APPLICATION_ID, FORMAT..=FORMAT_WITH_ARCHIVE | FORMAT_OF_PART) => Ok(()),
        (0, 0) if tables == 0 => mark(connection),
        (APPLICATION_ID, format) if format > FORMAT_WITH_ARCHIVE => {
            Err(newer_format(path, format).into())
        }
        _ => Err(foreign(path, application, format, tables).into()),
    }
}

fn mark(connection: &mut Connection) -> Result<(), JobError> {
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

fn use_wal(connection: &Connection, path: &Path) -> Result<(), JobError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Unwritable(format!(
            "{} lies where SQLite's write-ahead log does not work (it offers {mode}); \
             use a local disk",
            path.display()
        ))
        .into());
    }
    // The log and the memory that programs share for it are opened by the first that reads.
    connection.pragma_query(None, "user_version", |_| Ok(()))?;
    Ok(())
}

fn explain(path: &Path, error: JobError) -> StoreError {
    match error {
        JobError::Sqlite(error) => fault::explain(&path.display().to_string(), &error),
        JobError::Store(error) => error,
    }
}

fn newer_format(path: &Path, format: i32) -> StoreError {
    StoreError::Foreign(format!(
        "{} has format {format}, and this program knows formats up to {FORMAT_WITH_ARCHIVE}: \
         a newer program wrote it; update this one",
        path.display()
    ))
}

fn foreign(path: &Path, application: i32, format: i32, tables: i64) -> StoreError {
    StoreError::Foreign(format!(
        "{} is an SQLite database of another program (application_id {application}, \
         user_version {format}, {tables} tables and indexes); it was left as it is: \
         name another file",
        path.display()
    ))
}

fn cut_off(path: &Path, length: u64) -> StoreError {
    fault::corrupt(
        &path.display().to_string(),
        format!(
            "the file has been cut off at {length} bytes, or never was a database (delete it if it is \
             meant to be new)"
        ),
    )
}

fn leads_nowhere(path: &Path) -> StoreError {
    StoreError::Unavailable(format!(
        "{} is a symbolic link that leads nowhere; let it lead to a database, or remove it",
        path.display()
    ))
}

fn cannot_open(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()))
}

fn cannot_create(path: &Path, folder: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Unwritable(format!(
        "{} cannot be created: writing to {} failed ({error})",
        path.display(),
        folder.display()
    ))
}
