//! Keeps this process's memory, which holds secrets, out of files and out of other processes.

/// No core file, and no reading of the memory by a process of the same user.
///
/// Both are needed: where the system hands cores to a program instead of writing files, it does
/// not look at the limit, but it dumps no process that is not dumpable. A process that was made
/// before, such as one that traces this one, is not kept out; nor is root.
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

/// Other systems are for development.
#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid() -> std::io::Result<()> {
    Ok(())
}
