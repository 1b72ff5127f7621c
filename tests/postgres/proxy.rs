//! A way to a server that breaks: it passes on so many bytes, and then nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes connections on to a server, until it is told to cut them.
#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    /// Bytes that are passed on before everything is cut; negative where nothing is.
    left: AtomicI64,
    cuts: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A way to the server at this port of this machine.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let shared = Arc::new(Shared {
            server,
            left: AtomicI64::new(-1),
            cuts: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.pass_on(client);
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection after so many more bytes, in whatever direction they go.
    pub(crate) fn cut_after(&self, bytes: u32) {
        self.shared.left.store(bytes.into(), Ordering::SeqCst);
    }

    /// How often connections were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn pass_on(self: &Arc<Self>, client: TcpStream) {
        // A server that is not there is what the client is to find out.
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let clones = [client.try_clone(), server.try_clone()];
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.extend(clones.into_iter().flatten());
        drop(open);
        for (from, to) in [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))] {
            let (Ok(from), Ok(to)) = (from, to) else { continue };
            let shared = Arc::clone(self);
            thread::spawn(move || shared.copy(from, to));
        }
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let passed = self.allowed(read);
            if to.write_all(&buffer[..passed]).is_err() {
                break;
            }
            if passed < read {
                self.cut();
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// How many of so many bytes are passed on.
    fn allowed(&self, bytes: usize) -> usize {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let mut allowed = bytes;
        let spend = |left: i64| {
            (left >= 0).then(|| {
                allowed = bytes.min(left);
                if left < bytes { -1 } else { left - bytes }
            })
        };
        let spent = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend);
        if spent.is_err() {
            allowed = bytes;
        }
        usize::try_from(allowed).unwrap_or(0)
    }

    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}
