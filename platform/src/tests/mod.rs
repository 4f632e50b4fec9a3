//! Tests over a socket.
