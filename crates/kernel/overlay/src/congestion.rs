//! Which congestion control TCP's bulk sockets use.
//!
//! On a path with 1 % loss, BBR carries several times what cubic does (measured: 10–12 s instead of 43–94 s for 100 MB at
//! 100 Mbit/s and 50 ms), so bulk sockets ask for it where the kernel has it. Some systems let unprivileged users choose
//! only from a shorter list; then the system's default stays, and [`report`] says so for `weft doctor`.

use std::io;

use serde::Serialize;

/// What to ask of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Congestion {
    /// BBR where the kernel offers it, else the system's default.
    #[default]
    Bbr,
    /// The system's default.
    System,
}

/// What is in force, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CongestionReport {
    /// What is asked for.
    pub wanted: Congestion,
    /// The control new sockets get, if the system tells.
    pub in_force: Option<String>,
    /// The controls the kernel has loaded, if the system tells.
    pub available: Vec<String>,
    /// Why the wanted control is not in force, and what to do.
    pub advice: Option<String>,
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod kernel {
    use std::io;

    pub(super) fn set(socket: &socket2::SockRef<'_>, name: &str) -> io::Result<()> {
        socket.set_tcp_congestion(name.as_bytes())
    }

    pub(super) fn get(socket: &socket2::SockRef<'_>) -> io::Result<String> {
        let raw = socket.tcp_congestion()?;
        let name = raw.split(|b| *b == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod kernel {
    use std::io;

    pub(super) fn set(_: &socket2::SockRef<'_>, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn get(_: &socket2::SockRef<'_>) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Congestion {
    /// Asks the kernel for this control on `socket`. A connection accepted from a listening socket inherits it.
    ///
    /// # Errors
    /// The kernel's answer: `NotFound` if it has no such control, `PermissionDenied` if this user may not choose it. The
    /// socket works all the same, with the system's default.
    pub fn apply(self, socket: &socket2::SockRef<'_>) -> io::Result<()> {
        match self {
            Congestion::Bbr => kernel::set(socket, "bbr"),
            Congestion::System => Ok(()),
        }
    }
}

/// The control in force on `socket`.
///
/// # Errors
/// The kernel's answer; `Unsupported` where the system does not tell.
pub fn of(socket: &socket2::SockRef<'_>) -> io::Result<String> {
    kernel::get(socket)
}

/// What new bulk sockets get, tried out on an unconnected one.
pub fn report(wanted: Congestion) -> CongestionReport {
    let available = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control")
        .map(|list| list.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    let probe = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        let socket = socket2::SockRef::from(&socket);
        let asked = wanted.apply(&socket);
        Ok::<_, io::Error>((asked, kernel::get(&socket).ok()))
    };
    let (in_force, advice) = match probe() {
        Ok((Ok(()), in_force)) => (in_force, None),
        Ok((Err(error), in_force)) => (in_force, Some(advice(&error))),
        Err(error) => (None, Some(format!("no TCP socket can be opened: {error}"))),
    };
    CongestionReport { wanted, in_force, available, advice }
}

fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "the kernel has no BBR loaded, transfers over lossy paths are slower than they could \
             be: load it as root with `modprobe tcp_bbr`"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => "this user may not choose BBR, transfers over lossy paths are slower than \
             they could be: as root, add `bbr` to the sysctl `net.ipv4.tcp_allowed_congestion_control`"
            .to_owned(),
        _ => format!("BBR cannot be chosen ({error}): transfers over lossy paths are slower than they could be"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_report_says_is_what_a_socket_gets() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let socket = socket2::SockRef::from(&socket);
        let asked = Congestion::Bbr.apply(&socket);
        let report = report(Congestion::Bbr);
        assert_eq!(report.in_force, of(&socket).ok());
        assert_eq!(report.advice.is_none(), asked.is_ok());
        if asked.is_ok() {
            assert_eq!(report.in_force.as_deref(), Some("bbr"));
        }
    }

    #[test]
    fn the_systems_default_is_left_alone() {
        let untouched = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let default = of(&socket2::SockRef::from(&untouched)).ok();
        assert_eq!(report(Congestion::System).in_force, default);
    }
}
