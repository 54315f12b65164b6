//! Child processes that never outlive who started them.
//!
//! Every child gets a process group of its own, a log file, and is killed when its handle is dropped. If this process
//! itself is killed, the kernel kills the children (`setpriv --pdeathsig`, where util-linux is installed): the signal
//! is tied to the *thread* that forked, so one thread that lives as long as the process forks them all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

use crate::netns::Netns;

/// How many bytes of a child's log an error message quotes.
const LOG_TAIL: u64 = 4_000;

/// What to start, and where.
#[derive(Debug)]
pub struct Launch {
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    hidden: Option<String>,
    directory: Option<PathBuf>,
    inside: Option<Arc<Netns>>,
    log: PathBuf,
    piped: bool,
}

impl Launch {
    /// A program by path or name; `name` is what messages call it, `log` gets its output.
    pub fn new(name: impl Into<String>, program: impl AsRef<OsStr>, log: impl Into<PathBuf>) -> Self {
        Launch {
            name: name.into(),
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            hidden: None,
            directory: None,
            inside: None,
            log: log.into(),
            piped: false,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Hides environment variables of our own that begin with `prefix`.
    pub fn without_env(mut self, prefix: &str) -> Self {
        self.hidden = Some(prefix.to_owned());
        self
    }

    /// Sets the working directory.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Runs it inside a network namespace.
    pub fn inside(mut self, netns: Option<Arc<Netns>>) -> Self {
        self.inside = netns;
        self
    }

    /// Gives standard input and output as pipes instead of `/dev/null` and the log.
    pub fn piped(mut self) -> Self {
        self.piped = true;
        self
    }

    fn command(&self) -> Result<Command> {
        let mut line: Vec<OsString> = Vec::new();
        if has_setpriv() {
            line.extend(["setpriv", "--pdeathsig", "KILL", "--"].map(OsString::from));
        }
        if let Some(netns) = &self.inside {
            line.extend(["ip", "netns", "exec", netns.name()].map(OsString::from));
        }
        line.push(self.program.clone());
        line.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&line[0]);
        if let Some(prefix) = &self.hidden {
            let ours = std::env::vars_os().map(|(key, _)| key);
            for key in ours.filter(|key| key.as_encoded_bytes().starts_with(prefix.as_bytes())) {
                command.env_remove(key);
            }
        }
        command.args(&line[1..]).envs(self.environment.iter().map(|(k, v)| (k, v))).process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot open the log {}", self.log.display()))?;
        command.stderr(log.try_clone()?);
        if self.piped {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(log);
        }
        Ok(command)
    }

    /// Starts it.
    pub fn start(self) -> Result<Process> {
        let child = fork(self.command()?)
            .with_context(|| format!("cannot start {} ({})", self.name, self.program.to_string_lossy()))?;
        let pid = Pid::from_child(&child);
        let pidfd =
            pidfd_open(pid, PidfdFlags::NONBLOCK).context("pidfd_open failed: Linux 5.10 or newer is needed")?;
        Ok(Process { name: self.name, child, pid, pidfd, log: self.log, status: None, _inside: self.inside })
    }
}

/// Whether `setpriv` of util-linux is here.
fn has_setpriv() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        Command::new("setpriv")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    })
}

/// Forks on the one thread that never ends.
fn fork(command: Command) -> io::Result<Child> {
    type Job = (Command, SyncSender<io::Result<Child>>);
    static FORKER: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (jobs, inbox) = channel::<Job>();
        std::thread::spawn(move || {
            while let Ok((mut command, answer)) = inbox.recv() {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    let (answer, child) = sync_channel(1);
    let gone = || io::Error::other("the forking thread is gone");
    forker.lock().map_err(|_| gone())?.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// User and system time of all its threads, in seconds.
    pub cpu_seconds: f64,
    /// The most memory it had resident, in bytes.
    pub peak_rss: u64,
}

/// A running child. Dropping it kills its process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    pidfd: OwnedFd,
    log: PathBuf,
    status: Option<ExitStatus>,
    // The namespace outlives the process that runs in it.
    _inside: Option<Arc<Netns>>,
}

impl Process {
    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its pipes, once, if it was launched [`piped`](Launch::piped).
    pub fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    /// Its exit status if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait().with_context(|| format!("cannot wait for {}", self.name))?;
        }
        Ok(self.status)
    }

    /// CPU time and memory used so far. Zero once it has been reaped.
    pub fn usage(&self) -> Result<Usage> {
        usage_of(self.pid())
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.ended()?.is_none() {
            kill_process(self.pid, signal).with_context(|| format!("cannot signal {}", self.name))?;
        }
        Ok(())
    }

    /// `kill -9` of its whole group, at once, and reaps it.
    pub fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_none() {
            let _ = kill_process_group(self.pid, Signal::KILL);
            self.status = Some(self.child.wait()?);
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits; kills it if it takes longer than `within`, which is an error.
    pub async fn stop(&mut self, within: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        match self.wait(within).await? {
            Some(status) => Ok(status),
            None => {
                self.kill()?;
                bail!("{} did not stop within {within:?} and was killed\n{}", self.name, self.log_tail())
            }
        }
    }

    /// Waits for its end; `None` if it runs on after `within`.
    pub async fn wait(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        if let Some(status) = self.ended()? {
            return Ok(Some(status));
        }
        let pidfd = self.pidfd.try_clone()?;
        let limit = Timespec::try_from(within).context("too long a wait")?;
        // A process descriptor becomes readable when the process ends.
        let waiting = move || poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit));
        tokio::task::spawn_blocking(waiting).await?.with_context(|| format!("cannot wait for {}", self.name))?;
        self.ended()
    }

    /// The end of its log, for messages.
    pub fn log_tail(&self) -> String {
        tail(&self.log).unwrap_or_else(|e| format!("(no log: {e})"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// CPU time and peak memory of any process by id.
pub fn usage_of(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The command name stands in parentheses and may hold blanks: fields are counted after the last one.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|v| v.split_whitespace().next()?.parse::<u64>().ok());
    Ok(Usage {
        cpu_seconds: (ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64,
        peak_rss: peak.unwrap_or(0) * 1024,
    })
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(LOG_TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(format!("--- end of {} ---\n{}", path.display(), String::from_utf8_lossy(&bytes)))
}

/// Polls `probe` until it gives something, every 20 ms; after `within` it is an error that says what was awaited.
///
/// For what offers no event to wait for: files of another process, the state of a client that is only polled.
pub async fn until<T, F, P>(what: &str, within: Duration, mut probe: P) -> Result<T>
where
    P: FnMut() -> F,
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = probe().await? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("waited {within:?} in vain for {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
