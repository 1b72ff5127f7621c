//! Databases for tests on PostgreSQL: on a temporary server that is started once a process, or on one that
//! `EVENTLOOM_POSTGRES` names.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::run::block_on;

/// The variable that names a server to use instead of a temporary one, as
/// `postgres://user:password@localhost:5432`; databases are created and dropped there.
pub const SERVER: &str = "EVENTLOOM_POSTGRES";

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// A PostgreSQL server of its own, on this machine alone, with nothing in it. It ends, and its files go, when this is
/// dropped or the process ends, in whatever way.
#[derive(Debug)]
pub struct PostgresServer {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    settings: Vec<String>,
    owner: Option<(u32, u32)>,
    running: Option<Child>,
    folder: TempDir,
}

impl PostgresServer {
    /// Starts a server with settings such as `fsync=off`.
    ///
    /// # Errors
    /// What is missing, with what to do about it, or what failed.
    pub fn start(settings: &[&str]) -> Result<Self, String> {
        let bin = find_binaries()?;
        let folder = tempfile::Builder::new()
            .prefix("eventloom-postgres-")
            .tempdir()
            .map_err(told("no temporary folder can be made"))?;
        let owner = owner()?;
        if let Some((user, group)) = owner {
            #[cfg(unix)]
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
                .map_err(told("the temporary folder can't be given to another user"))?;
        }
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).map_err(told("there is no free port"))?;
        let port = listener.local_addr().map_err(told("there is no free port"))?.port();
        drop(listener);
        let data = folder.path().join("data");
        let mut server = Self {
            bin,
            data,
            port,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            owner,
            running: None,
            folder,
        };
        let mut initdb = server.command("initdb");
        initdb.args([
            "--username=eventloom",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        let made = initdb.arg(&server.data).output().map_err(told("initdb can't be run"))?;
        if !made.status.success() {
            return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)));
        }
        server.run()?;
        Ok(server)
    }

    /// The address of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://eventloom@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server at once, as a failure of its machine's power would end its processes; what is on its disk stays.
    ///
    /// # Errors
    /// What failed.
    pub fn crash(&mut self) -> Result<(), String> {
        let stopped = self
            .command("pg_ctl")
            .arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "stop"])
            .output();
        match stopped {
            Ok(done) if done.status.success() => {
                self.end();
                Ok(())
            }
            Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Starts the server again after [`Self::crash`].
    ///
    /// # Errors
    /// What failed.
    pub fn restart(&mut self) -> Result<(), String> {
        self.end();
        self.run()
    }

    /// Starts the server under a shell that ends it when this process does.
    fn run(&mut self) -> Result<(), String> {
        let mut script = format!(
            "'{}' -D '{}' -p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300",
            self.bin.join("postgres").display(),
            self.data.display(),
            self.port
        );
        for setting in &self.settings {
            // Writing into a String can't fail.
            let _ = write!(script, " -c '{setting}'");
        }
        let log = self.folder.path().join("log");
        let _ = write!(
            script,
            " >>'{}' 2>&1 & server=$!; read _; kill -QUIT $server 2>/dev/null; wait $server; \
             case $REMOVE in yes) rm -rf '{}';; esac",
            log.display(),
            self.folder.path().display()
        );
        let mut shell = self.command("/bin/sh");
        shell
            .arg("-c")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.env("REMOVE", "yes");
        self.running =
            Some(shell.spawn().map_err(|error| format!("no shell can be run: {error}"))?);
        let start = Instant::now();
        while !self.is_ready() {
            if start.elapsed() > START {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("the server did not start within a minute:\n{log}"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let mut asked = self.command("pg_isready");
        let asked = asked.args(["-q", "-h", "127.0.0.1", "-p"]).arg(self.port.to_string()).status();
        asked.is_ok_and(|status| status.success())
    }

    /// Ends the shell, and with it the server, where they still run; the files stay.
    fn end(&mut self) {
        let Some(mut shell) = self.running.take() else { return };
        // A shell that is killed removes nothing; the server may be gone already.
        let stopped = self
            .command("pg_ctl")
            .arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "stop"])
            .output();
        drop(stopped);
        let _ = shell.kill();
        let _ = shell.wait();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        #[cfg(unix)]
        if let Some((user, group)) = self.owner {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(shell) = &mut self.running {
            // Its end of input is what it waits for.
            if let Some(mut input) = shell.stdin.take() {
                let _ = input.flush();
            }
            let _ = shell.wait();
        }
    }
}

/// What was tried when the system failed.
fn told(what: &'static str) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Where the server's programs are.
fn find_binaries() -> Result<PathBuf, String> {
    let has_all = |folder: &Path| {
        ["initdb", "postgres", "pg_ctl", "pg_isready"].iter().all(|it| folder.join(it).is_file())
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    for root in ["/usr/lib/postgresql", "/usr/local/lib/postgresql"] {
        let versions = fs::read_dir(root).into_iter().flatten().flatten();
        let mut versions: Vec<_> = versions.map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    folders
        .extend(["/opt/homebrew/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    folders.into_iter().find(|folder| has_all(folder)).ok_or_else(|| {
        format!(
            "tests on PostgreSQL need its server (`initdb` and `postgres`), which is not in PATH and not where systems \
             put it: install it (`apt-get install postgresql`, `dnf install postgresql-server`, `brew install \
             postgresql`), or name a server on which databases may be created: {SERVER}=postgres://user@localhost:5432"
        )
    })
}

/// The user who runs the server where this process is the superuser, which PostgreSQL refuses.
fn owner() -> Result<Option<(u32, u32)>, String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mine = tempfile::tempfile().and_then(|file| file.metadata()).map(|of| of.uid());
        if mine.is_ok_and(|user| user != 0) {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"].iter().find_map(|name| {
            let line = users.lines().find(|line| line.split(':').next() == Some(*name))?;
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        found.map(Some).ok_or_else(|| {
            "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: run the tests as another user"
                .to_owned()
        })
    }
    #[cfg(not(unix))]
    Ok(None)
}

/// A server's address, and the server where it is one of this process.
type Started = (String, Option<PostgresServer>);

/// The server of the tests of this process.
static STARTED: LazyLock<Result<Started, String>> = LazyLock::new(|| {
    if let Ok(named) = env::var(SERVER) {
        return Ok((named.trim_end_matches('/').to_owned(), None));
    }
    // What is tested with it is no power failure.
    let server =
        PostgresServer::start(&["fsync=off", "full_page_writes=off", "shared_buffers=64MB"])?;
    Ok((server.url("").trim_end_matches('/').to_owned(), Some(server)))
});

fn server() -> &'static str {
    match &*STARTED {
        Ok((address, _)) => address,
        Err(missing) => panic!("{missing}"),
    }
}

/// Whether there is a server on which tests can run; starts one where none is named.
///
/// # Errors
/// What is missing, with what to do about it.
pub fn check_server() -> Result<(), String> {
    let (address, _) = STARTED.as_ref().map_err(Clone::clone)?;
    let address = format!("{address}/postgres");
    match block_on(tokio_postgres::connect(&address, NoTls)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the server that {SERVER} names can't be reached: {error}")),
    }
}

/// A database for one test, created when it is first used and dropped with this.
#[derive(Debug, Default)]
pub struct TestDatabase {
    url: OnceCell<(String, String)>,
}

impl TestDatabase {
    /// Its address.
    pub async fn url(&self) -> String {
        let created = self.url.get_or_init(|| async {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("eventloom_test_{}_{number}", std::process::id());
            run(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
            (name.clone(), format!("{}/{name}", server()))
        });
        created.await.1.clone()
    }
}

/// A connection as an SQL tool has it.
#[derive(Debug)]
pub struct Session(Client);

impl Session {
    /// Connects to the database at an address.
    pub async fn at(url: &str) -> Self {
        let connected = tokio_postgres::connect(url, NoTls).await;
        let (client, connection) = connected.expect("the test's database can be reached");
        tokio::spawn(connection);
        Self(client)
    }

    /// Runs statements, and gives the first column of what the last of them finds, as text.
    ///
    /// # Errors
    /// What the server says.
    pub async fn run(&self, statements: &str) -> Result<Vec<String>, String> {
        let told = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        };
        let found = self.0.simple_query(statements).await.map_err(told)?;
        let mut column = Vec::new();
        for message in found {
            match message {
                SimpleQueryMessage::Row(row) => {
                    column.push(row.get(0).unwrap_or("null").to_owned())
                }
                SimpleQueryMessage::RowDescription(_) => column.clear(),
                _ => {}
            }
        }
        Ok(column)
    }
}

impl TestDatabase {
    /// A connection of its own.
    pub async fn session(&self) -> Session {
        Session::at(&self.url().await).await
    }

    /// The first column of what the last of some statements finds.
    pub async fn sql(&self, statements: &str) -> Vec<String> {
        self.session()
            .await
            .run(statements)
            .await
            .unwrap_or_else(|said| panic!("{statements}: {said}"))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((name, _)) = self.url.take() {
            // Not waited for: the runtime may be in the middle of a test.
            thread::spawn(move || {
                block_on(run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
            });
        }
    }
}

/// Runs a statement on the server, which may still be starting.
async fn run(sql: &str) {
    let start = Instant::now();
    loop {
        match attempt(sql).await {
            Ok(()) => return,
            Err(error) => {
                let starts = error.code().is_none_or(|code| *code == SqlState::CANNOT_CONNECT_NOW);
                assert!(starts && start.elapsed() < START, "{sql}: {error:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn attempt(sql: &str) -> Result<(), tokio_postgres::Error> {
    let url = format!("{}/postgres", server());
    let (client, connection): (Client, _) = tokio_postgres::connect(&url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let done = client.batch_execute(sql).await;
    drop(client);
    let _ = connection.await;
    done
}
