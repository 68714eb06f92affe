//! What processes have used of the machine, where the system tells it (Linux).

use std::time::Duration;

/// A process on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pid: i32,
}

impl Usage {
    /// Of the process with this id.
    #[must_use]
    pub const fn of(pid: i32) -> Self {
        Self { pid }
    }

    /// Of the process that listens on this port of this machine.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn of_listener(port: u16) -> Option<Self> {
        use procfs::net::TcpState;
        use procfs::process::FDTarget;

        let sockets: Vec<u64> = procfs::net::tcp()
            .into_iter()
            .chain(procfs::net::tcp6())
            .flatten()
            .filter(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port)
            .map(|entry| entry.inode)
            .collect();
        let listens = |process: &procfs::process::Process| {
            process.fd().is_ok_and(|files| {
                files
                    .flatten()
                    .any(|file| matches!(file.target, FDTarget::Socket(inode) if sockets.contains(&inode)))
            })
        };
        let process = procfs::process::all_processes().ok()?.flatten().find(listens)?;
        Some(Self::of(process.pid))
    }

    /// The processor time that it has used, over all its threads.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn processor(self) -> Option<Duration> {
        let stat = procfs::process::Process::new(self.pid).ok()?.stat().ok()?;
        let ticks = u32::try_from(stat.utime + stat.stime).ok()?;
        let second = u32::try_from(procfs::ticks_per_second()).ok()?;
        Some(Duration::from_secs(1) * ticks / second)
    }

    /// The most memory that it has held at once, in bytes.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn peak_memory(self) -> Option<u64> {
        let status = procfs::process::Process::new(self.pid).ok()?.status().ok()?;
        Some(status.vmhwm? * 1024)
    }

    /// Not told by this system.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn of_listener(_port: u16) -> Option<Self> {
        None
    }

    /// Not told by this system.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn processor(self) -> Option<Duration> {
        None
    }

    /// Not told by this system.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn peak_memory(self) -> Option<u64> {
        None
    }
}
