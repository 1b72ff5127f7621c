//! Where the database is, and how it is reached: addresses and what they leave out.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

/// How a program uses a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How many connections read events at once, and how many read and write rows at once. One more appends, one
    /// listens, and one more is there for as long as this program archives.
    pub connections: usize,
    /// How long a program waits for a connection, be it a new one or one that others use.
    pub patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { connections: 8, patience: Duration::from_secs(30) }
    }
}

/// A database, and how it is reached.
#[derive(Clone)]
pub(crate) struct Address {
    pub(super) config: Config,
    /// None where the connection is not encrypted.
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// Host, port and name of the database, and never a password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |host: &Host| match host {
            // An IPv6 address has colons of its own.
            Host::Tcp(host) if host.contains(':') => format!("[{host}]"),
            Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        let (hosts, ips) = (self.config.get_hosts(), self.config.get_hostaddrs());
        let ports = self.config.get_ports();
        f.write_str("PostgreSQL ")?;
        for at in 0..hosts.len().max(ips.len()) {
            let comma = if at > 0 { "," } else { "" };
            let host = hosts.get(at).map(name);
            let ip = ips.get(at).map(ToString::to_string);
            let shown = match (host, ip) {
                (Some(host), Some(ip)) => format!("{host}({ip})"),
                (host, ip) => host.or(ip).unwrap_or_default(),
            };
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            write!(f, "{comma}{shown}:{port}")?;
        }
        write!(f, "/{}", self.config.get_dbname().or(self.config.get_user()).unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn unreadable() -> StoreError {
    StoreError::Unsupported(
        "the address of the database can't be read: write \
         `postgres://user:password@host:5432/database`, with `%` and two hexadecimal digits for a character of \
         a name or password that is none of a to z, 0 to 9, `-`, `.` and `_`"
            .to_owned(),
    )
}

/// Reads an address. What it says wrongly is not repeated: it may be part of a password.
pub(super) fn address(url: &str) -> Result<Address, StoreError> {
    let written = Written::read(url).ok_or_else(unreadable)?;
    let mut config: Config = written.url.parse().map_err(|_| unreadable())?;
    if !written.says_ssl {
        // Who shares the network could read and change what goes over it in the clear.
        config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
    }
    if config.get_password().is_none()
        && let Some(password) = std::env::var_os("PGPASSWORD")
    {
        // As PostgreSQL's own programs do: what is in a command line is seen by all who use the machine.
        config.password(password.as_encoded_bytes());
    }
    if config.get_application_name().is_none() {
        config.application_name("eventloom");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    // Where a network swallows everything, somebody has to notice: of what is on its way, and while an answer is waited for.
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(20));
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
    }
    if config.get_hosts().len().max(config.get_hostaddrs().len()) > 1 {
        // A standby may not have what was committed, and an append that is not found there is none.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    let tls = match config.get_ssl_mode() {
        SslMode::Disable => None,
        _ => Some(MakeRustlsConnect::new(trusting(written.root.as_deref())?)),
    };
    Ok(Address { config, tls })
}

/// How an address begins that is no list of keys and values.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// An address with what the driver does not know taken out.
#[derive(Default)]
struct Written {
    url: String,
    says_ssl: bool,
    /// The file with the certificates that are trusted.
    root: Option<String>,
}

impl Written {
    /// Reads an address; none where it can't be told which part of it is what.
    fn read(url: &str) -> Option<Self> {
        let mut this = Self::default();
        match SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)) {
            Some(rest) => this.read_url(rest)?,
            None => this.read_pairs(url)?,
        }
        Some(this)
    }

    /// Reads what follows the scheme. To the driver, all before the first `@` is a name and a password: where that was meant
    /// otherwise, a part of a password would be taken for a host, which is told to everybody.
    fn read_url(&mut self, rest: &str) -> Option<()> {
        let (login, place) = rest.split_once('@').unwrap_or(("", rest));
        let (before, parameters) = place.split_once('?').unwrap_or((place, ""));
        if login.contains(['/', '?']) || before.contains('@') {
            return None;
        }
        let mut kept = Vec::new();
        for written in parameters.split('&').filter(|written| !written.is_empty()) {
            let (key, value) = written.split_once('=')?;
            let text = |written: &str| decoded(written).unwrap_or_else(|| written.to_owned());
            match self.parameter(&text(key), &text(value)) {
                Some(Cow::Borrowed(_)) => kept.push(written.to_owned()),
                Some(Cow::Owned(mode)) => kept.push(format!("{key}={mode}")),
                None => {}
            }
        }
        let at = if login.is_empty() { "" } else { "@" };
        let mark = if kept.is_empty() { "" } else { "?" };
        self.url = format!("{}{login}{at}{before}{mark}{}", SCHEMES[0], kept.join("&"));
        Some(())
    }

    fn read_pairs(&mut self, text: &str) -> Option<()> {
        let mut kept = Vec::new();
        for (key, value) in pairs(text)? {
            if let Some(value) = self.parameter(&key, &value) {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                kept.push(format!("{key}='{value}'"));
            }
        }
        self.url = kept.join(" ");
        Some(())
    }

    /// The value of a parameter as the driver takes it, if it does: borrowed where it is as it was written.
    fn parameter<'v>(&mut self, key: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match key {
            "sslrootcert" => {
                self.root = Some(value.to_owned());
                None
            }
            "sslmode" => {
                self.says_ssl = true;
                // A certificate is checked always, and the name in it too.
                let mode = match value {
                    "verify-ca" | "verify-full" => "require",
                    "allow" => "prefer",
                    other => return Some(Cow::Borrowed(other)),
                };
                Some(Cow::Owned(mode.to_owned()))
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }
}

/// A part of an address in which `%` and two digits stand for a byte, if that is so of each `%`.
fn decoded(written: &str) -> Option<String> {
    let mut parts = written.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
        bytes.push(u8::from_str_radix(digits?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// Keys and values as PostgreSQL's own programs read them: blanks may stand around `=`, a value with blanks stands in
/// quotes, and after `\` comes a character that stands for itself.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let (mut rest, mut pairs) = (text.chars().peekable(), Vec::new());
    loop {
        skip_blanks(&mut rest);
        if rest.peek().is_none() {
            return Some(pairs);
        }
        let mut key = String::new();
        while let Some(next) = rest.next_if(|next| *next != '=' && !next.is_whitespace()) {
            key.push(next);
        }
        skip_blanks(&mut rest);
        rest.next_if_eq(&'=')?;
        skip_blanks(&mut rest);
        pairs.push((key, value(&mut rest)?));
    }
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| next.is_whitespace()).is_some() {}
}

/// A value; none where its quotes, or what follows a `\`, are missing.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    while let Some(next) = rest.next_if(|next| quoted || !next.is_whitespace()) {
        match next {
            '\'' if quoted => return Some(value),
            '\\' => value.push(rest.next()?),
            other => value.push(other),
        }
    }
    (!quoted).then_some(value)
}

/// Whether nothing leaves this machine. What is connected to is the IP address, where there is one.
fn is_local(config: &Config) -> bool {
    let (hosts, ips) = (config.get_hosts(), config.get_hostaddrs());
    let are_here = hosts.iter().all(|host| match host {
        Host::Tcp(host) => matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    !(hosts.is_empty() && ips.is_empty()) && are_here && ips.iter().all(|ip| ip.is_loopback())
}

/// Trusts the certificates of a file, else those that the system trusts.
fn trusting(root: Option<&str>) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    match root {
        Some(path) => {
            let unreadable = |reason: String| {
                StoreError::Unsupported(format!("`sslrootcert={path}` can't be used: {reason}"))
            };
            let text = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let added = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(added).map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("it has no certificate in PEM form".to_owned()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(StoreError::Unsupported(
                    "this system trusts no certificates, so the server's can't be checked: install \
                     `ca-certificates`, or name a file with `sslrootcert`"
                        .to_owned(),
                ));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Unsupported(format!("TLS can't be used: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        address(url).expect("an address").config.get_ssl_mode()
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_the_address_says_otherwise() {
        assert_eq!(mode("postgres://bank@localhost/bank"), SslMode::Disable);
        assert_eq!(mode("postgres://bank@127.0.0.1:5433/bank"), SslMode::Disable);
        assert_eq!(mode("host=/var/run/postgresql user=bank"), SslMode::Disable);
        assert_eq!(mode("postgres://bank@localhost/bank?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgres://bank@db.example.com/bank"), SslMode::Require);
        assert_eq!(mode("host=db.example.com user=bank"), SslMode::Require);
        assert_eq!(
            mode("postgres://bank@db.example.com/bank?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(mode("postgres://bank@db.example.com/bank?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://bank@localhost,db.example.com/bank"), SslMode::Require);
        assert_eq!(mode("hostaddr=10.0.0.5 user=bank"), SslMode::Require);
        assert_eq!(mode("host=localhost hostaddr=10.0.0.5 user=bank"), SslMode::Require);
        assert_eq!(mode("host=localhost hostaddr=127.0.0.1 user=bank"), SslMode::Disable);
    }

    #[test]
    fn of_several_servers_the_one_that_takes_changes_is_used() {
        let several = address("postgres://bank@a,b:6000/bank").expect("an address");
        assert_eq!(several.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(several.to_string(), "PostgreSQL a:5432,b:6000/bank");
        let one = address("host=localhost hostaddr=127.0.0.1 user=bank").expect("an address");
        assert_eq!(one.to_string(), "PostgreSQL localhost(127.0.0.1):5432/bank");
    }

    #[test]
    fn no_message_repeats_a_password() {
        for url in [
            "postgres://bank:s3cr?t@db.example.com/bank",
            "postgres://bank:s3cr#t@[db.example.com/bank",
            "postgres://bank:s3cr%t@db.example.com/bank",
            "user=bank password='s3cr t",
            "s3cr t",
        ] {
            if let Err(error) = address(url) {
                assert!(!format!("{error} {error:?}").contains("s3cr"), "{error}");
            }
        }
        let address =
            address("postgres://bank:s3cret@localhost:5433/accounts").expect("an address");
        assert_eq!(format!("{address} {address:?}").matches("s3cret").count(), 0);
        assert_eq!(address.to_string(), "PostgreSQL localhost:5433/accounts");
    }

    #[test]
    fn a_file_of_certificates_that_is_none_is_told() {
        let error = address("postgres://bank@db.example.com/bank?sslrootcert=/nowhere/root.pem");
        let error = error.expect_err("there is no such file").to_string();
        assert!(error.contains("/nowhere/root.pem"), "{error}");
    }
}
