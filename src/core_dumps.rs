//! Keeps this process's memory, which contains secrets, out of files and away from other processes.

/// Forbids core files, and reads of the memory by processes of the same user.
///
/// Both settings are needed: a system that passes cores to a program ignores the limit, but it never
/// dumps a process that is not dumpable. This does not stop root, nor a process that already traces
/// this one.
#[cfg(target_os = "linux")]
pub(crate) fn forbid() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Other systems are only for development.
#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid() -> std::io::Result<()> {
    Ok(())
}
