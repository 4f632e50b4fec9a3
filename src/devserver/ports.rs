//! Free ports of the loopback interface.

use std::io;
use std::net::{TcpListener, TcpStream};

/// A port that nobody listens on, and that the kernel hands to nobody else for a minute.
///
/// A connection that our side closes first leaves the port in TIME_WAIT: it is then not given
/// out as a free one, but can still be listened on by name.
pub(super) fn free() -> io::Result<u16> {
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
    fn a_free_port_can_be_listened_on_at_once_and_comes_only_once() {
        let ports: Vec<u16> = (0..50).map(|_| free().unwrap()).collect();
        let mut different = ports.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), ports.len());
        for port in ports {
            TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
    }
}
