//! Shows that one wish leaves one resource, whatever goes wrong, by trying thousands of cases.
//!
//! 1. [`scenario`]: one case, drawn from a seed: kind, callers, faults, crashes, clocks.
//! 2. [`sim`]: the real protocol against a simulated platform and a simulated Temporal
//!    server, in virtual time.
//! 3. [`oracle`]: what exists on the platform afterwards, and what the callers were told.
//! 4. [`real`]: a share of the runs with real servers, real workers as processes, and the
//!    emulated platform over HTTP.
//! 5. [`table`]: the figures, by fault.

pub mod dice;
pub mod oracle;
pub mod real;
pub mod scenario;
pub mod sim;
pub mod table;
