//! The targets under libFuzzer, which follows coverage. `cargo xtask fuzz` builds and starts it;
//! the variable `FUZZ_TARGET` names the target.

#![no_main]

use std::sync::OnceLock;

use aep_flow_fuzz::targets::{self, Target};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: OnceLock<Target> = OnceLock::new();
    let target = TARGET.get_or_init(chosen);
    (target.run)(input);
});

#[expect(
    clippy::disallowed_methods,
    reason = "the arguments of the program are libFuzzer's"
)]
fn chosen() -> Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    targets::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: `{name}`"))
}
