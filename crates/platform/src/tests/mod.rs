//! Tests over a socket: a scripted server that can be slow, cut off, or gone.

mod server;

mod clock;
mod concurrency_limit;
mod descriptions;
mod finding;
mod redirects_and_proxies;
mod refusals;
mod resources_in_use;
mod secrecy;
mod sending;
mod tokens;
mod trust;
