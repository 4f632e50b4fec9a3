//! Tests over a socket: a scripted server that can be slow, cut off, or gone.

mod server;

mod clock;
mod descriptions;
mod elsewhere;
mod finding;
mod in_line;
mod refusals;
mod secrecy;
mod tokens;
mod trust;
mod users;
mod wire;
