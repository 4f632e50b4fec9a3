//! Free ports of the loopback interface.

use std::io;
use std::net::{TcpListener, TcpStream};

/// A port that nobody listens on, and that the kernel is slow to hand to anybody else.
///
/// A connection that our side closes first leaves the port in TIME_WAIT for a minute: it is
/// then seldom given out as a free one, but can be listened on by name. Seldom is not never:
/// whoever starts a server on it tries again with another.
///
/// # Errors
/// The loopback interface has none.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let caller = TcpStream::connect(address)?;
    let (accepted, _) = listener.accept()?;
    drop(accepted);
    drop(caller);
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_at_once() {
        // Another process may take one in between; five in a row it does not.
        let taken = (0..5).take_while(|_| {
            let port = free_port().unwrap();
            TcpListener::bind(("127.0.0.1", port)).is_err()
        });
        assert!(taken.count() < 5);
    }
}
