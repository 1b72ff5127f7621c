//! Addresses in all their forms, and the passwords in them, which nobody else is told.

use std::fs;
use std::time::Duration;

use eventloom_runtime::EventStore;
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresOptions, PostgresStore};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::postgres::{PostgresServer, Session};

use super::ended;
use crate::postgres::append;

const OPTIONS: PostgresOptions =
    PostgresOptions { connections: 1, patience: Duration::from_secs(5) };

/// Everything that a program is told of an address: by errors of all kinds and by what it prints of the database.
async fn told(url: &str) -> String {
    let database = match PostgresDatabase::with(url, OPTIONS) {
        Ok(database) => database,
        Err(error) => return format!("{error} {error:?} {error:#?}"),
    };
    let printed = format!("{database} {database:?} {database:#?}");
    match ended(PostgresStore::open(&database)).await {
        Ok(store) => format!("{printed} opened {}", store.database()),
        Err(error) => format!("{printed} {error} {error:?} {error:#?}"),
    }
}

/// A server that lets `teller` in with a password alone.
async fn guarded(password: &str) -> PostgresServer {
    let server = PostgresServer::start(&["fsync=off"]).expect("a server");
    let admin = Session::at(&server.url("postgres")).await;
    let quoted = password.replace('\'', "''");
    admin
        .run(&format!("CREATE ROLE teller LOGIN SUPERUSER PASSWORD '{quoted}'"))
        .await
        .expect("a role");
    let file = admin.run("SHOW hba_file").await.expect("a file").remove(0);
    let rules = fs::read_to_string(&file).expect("rules");
    fs::write(&file, format!("host all teller all scram-sha-256\n{rules}")).expect("rules");
    admin.run("SELECT pg_reload_conf()").await.expect("a reload");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server
}

/// A password that was written down wrongly, or was right and the server was not, ended up in a log, where many read it.
#[test]
fn no_part_of_a_password_is_told_to_anybody() {
    block_on(async {
        let server = guarded("the right one").await;
        let here = format!("127.0.0.1:{}", server.port());
        let port = server.port();
        for url in [
            // Wrong ones, where the server is reached.
            format!("postgres://teller:s3cr3t@{here}/postgres"),
            format!("postgres://teller:%733cr3t@{here}/postgres"),
            format!("postgres://teller@{here}/postgres?password=s3cr3t"),
            format!("postgres://teller@{here}?password=s3cr3t"),
            format!("postgres://{here}/postgres?user=teller&password=s3cr3t"),
            format!("host=127.0.0.1 port={port} user=teller password=s3cr3t dbname=postgres"),
            format!(
                "host=127.0.0.1 port={port} user=teller password='s3cr3t s3cr3t' dbname=postgres"
            ),
            format!("host=127.0.0.1 port={port} user=teller password = 's3cr3t' dbname=postgres"),
            // No server, no such host, no TLS, and no such database.
            "postgres://teller:s3cr3t@127.0.0.1:1/postgres".to_owned(),
            "postgres://teller:s3cr3t@[::1]:1/postgres".to_owned(),
            "postgres://teller:s3cr3t@no-such-host.invalid/postgres".to_owned(),
            format!("postgres://teller:s3cr3t@{here}/postgres?sslmode=require"),
            format!("postgres://teller:s3cr3t@{here}/nowhere"),
            // Characters that mean something else where they stand.
            format!("postgres://teller:x@s3cr3t@{here}/postgres"),
            format!("postgres://teller:x/s3cr3t@{here}/postgres"),
            format!("postgres://teller:x@y/s3cr3t@{here}/postgres"),
            format!("postgres://teller:x?s3cr3t@{here}/postgres"),
            format!("postgres://teller:x#s3cr3t@{here}/postgres"),
            format!("postgres://{here}/postgres?user=teller&password=s3cr3t@x"),
            format!("postgres://{here}?user=teller&password=x@s3cr3t"),
            format!("postgres://teller:s3cr3t@{here}/postgres?sslmode=s3cr3t"),
            format!("postgres://teller:x@{here}/postgres?passwort=s3cr3t"),
            "postgres://teller:s3cr3t@".to_owned(),
            "postgres://teller:s3cr3t".to_owned(),
            "postgres://teller:s3cr3t@[::1/postgres".to_owned(),
            "mysql://teller:s3cr3t@localhost/postgres".to_owned(),
            "teller:s3cr3t@localhost/postgres".to_owned(),
            "user=teller password='s3cr3t".to_owned(),
            "user=teller password=x s3cr3t host=127.0.0.1 port=1".to_owned(),
            "user=teller password=x\\".to_owned(),
            format!("host=127.0.0.1 port={port} user=teller password='x sslmode=s3cr3t y'"),
        ] {
            let told = told(&url).await;
            println!("{url}: {told}");
            assert!(!told.contains("opened"), "{url}: {told}");
            assert!(!told.contains("s3cr3t"), "{url}: {told}");
        }
    });
}

/// A password with blanks or quotes was taken apart at its blanks: the server refused it, and where a part of it looked like
/// `sslmode=…`, the connection was not encrypted as it should have been.
#[test]
fn values_are_read_as_they_are_written() {
    block_on(async {
        let password = r"a  sslmode=allow it's\b @:/?#";
        let server = guarded(password).await;
        let port = server.port();
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
        let bare = quoted.replace(' ', r"\ ");
        for url in [
            format!("postgres://teller:{encoded}@127.0.0.1:{port}/postgres"),
            format!(
                "postgresql://teller@127.0.0.1:{port}/postgres?password={encoded}&sslmode=disable"
            ),
            format!("postgres://127.0.0.1:{port}/postgres?user=teller&password={encoded}"),
            format!("host=127.0.0.1 port={port} user=teller dbname=postgres password='{quoted}'"),
            format!(
                "password='{quoted}' host = 127.0.0.1 port= {port} user ='teller'\tdbname\n=postgres"
            ),
            format!(
                "host='127.0.0.1' port='{port}' user=teller dbname=postgres password={bare} sslmode='disable'"
            ),
        ] {
            let database = PostgresDatabase::with(&url, OPTIONS)
                .unwrap_or_else(|error| panic!("{url}: {error}"));
            let store = PostgresStore::open(&database).await;
            let store = store.unwrap_or_else(|error| panic!("{url}: {error}"));
            let head = store.head().await.expect("a head");
            assert_eq!(
                store.append(append("a", head, 1)).await.map(|it| it.position),
                Ok(head + 1)
            );
            assert_eq!(database.to_string(), format!("PostgreSQL 127.0.0.1:{port}/postgres"));
        }
        for url in [
            "host=db.example.com user=bank sslrootcert='/no where/root.pem'",
            "host=db.example.com user=bank sslrootcert = /no\\ where/root.pem",
            "postgres://bank@db.example.com/bank?sslrootcert=%2Fno%20where%2Froot.pem",
            "postgres://bank@db.example.com/bank?sslmode=verify-full&sslrootcert=/no where/root.pem",
        ] {
            let refused = PostgresDatabase::at(url).map(drop).expect_err("there is no such file");
            assert!(
                refused.to_string().contains("`sslrootcert=/no where/root.pem`"),
                "{url}: {refused}"
            );
        }
    });
}
