//! The real binary, as people and scripts run it: exit codes, shapes of JSON, causes and mends. All on loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What a test may take before it has failed: two cores may be busy with other things.
const DEADLINE: Duration = Duration::from_secs(60);

/// Each node has a loopback address of its own.
static NEXT_ADDRESS: AtomicU8 = AtomicU8::new(1);

/// A data folder, and `weft` on it.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { dir: tempfile::tempdir().expect("a folder") };
        let address = format!("127.67.{}.1", NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed));
        std::fs::create_dir_all(place.data()).expect("a folder");
        let config = format!(
            "[api]\nlisten = '127.0.0.1:0'\n[network]\nname = 'cli-tests'\ndht = false\nmdns = false\n\
             port_mapping = false\n[overlay]\nbind = '{address}'\nport = 0\nrelay = 'off'\n"
        );
        std::fs::write(place.data().join("config.toml"), config).expect("a file");
        place
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command.arg("--data-dir").arg(self.data()).args(args).stdin(Stdio::null());
        // Nothing of the caller's settings.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WEFT_") {
                command.env_remove(name);
            }
        }
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().expect("weft runs"))
    }

    /// Runs with `input` on standard input.
    fn run_with(&self, args: &[&str], input: &str) -> Said {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("weft runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        Said::of(child.wait_with_output().expect("weft ends"))
    }

    fn up(&self) -> Running {
        Running::start(self.command(&["up", "--json"]))
    }
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Said {
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    #[track_caller]
    fn ends(self, code: i32) -> Said {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {:?}", self.out))
    }

    #[track_caller]
    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// A command that runs until it is asked to stop.
struct Running {
    child: Child,
    first: Value,
}

impl Running {
    /// Starts it and waits for its first line.
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("weft runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        let first = loop {
            line.clear();
            if out.read_line(&mut line).expect("text") == 0 {
                let mut err = String::new();
                let _ = child.stderr.take().expect("a pipe").read_to_string(&mut err);
                let _ = child.wait();
                panic!("it ended: {err}");
            }
            let value: Value = serde_json::from_str(&line).expect("JSON");
            // Progress comes before the answer.
            if value["type"] != "hashing" {
                break value;
            }
        };
        Running { child, first }
    }

    /// Ctrl-C, and the exit code that follows.
    fn interrupt(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < DEADLINE, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).expect("a file") == std::fs::read(b).expect("a file")
}

fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn without_a_node_each_verb_says_so_and_what_to_do() {
    let place = Place::new();
    for args in [
        &["ls"][..],
        &["show", "x"],
        &["pause", "x"],
        &["resume", "x"],
        &["remove", "x"],
        &["status"],
        &["peers"],
        &["events"],
    ] {
        let said = place.run(args).ends(3);
        assert!(said.out.is_empty(), "{args:?} answered {}", said.out);
        assert!(said.err.starts_with("error: no node runs on ") && said.err.contains("\n  mend: "), "{}", said.err);
        let json = place.run(&[args, &["--json"]].concat()).ends(3);
        let error: Value = serde_json::from_str(&json.err).expect("the error is JSON");
        assert!(error["error"].is_string() && error["mend"].is_string() && error["exit"] == 3, "{error}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let place = Place::new();
    for args in [
        &["nothing"][..],
        &[],
        &["get"],
        &["get", "no such thing"],
        &["get", "weft:abc"],
        &["get", &"a".repeat(40), "--select", "x"],
        &["share", "x", "--private"],
        &["lab", "--peers", "many"],
        &["id", "--reveal-phrase", "init"],
    ] {
        let said = place.run(args).ends(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{args:?}");
    }
    place.run(&["--help"]).ends(0);
    let version = place.run(&["--version"]).ends(0);
    assert_eq!(version.out, format!("weft {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn settings_are_shown_changed_and_checked() {
    let place = Place::new();
    let shown = place.run(&["config", "show", "--json"]).ends(0).json();
    let rows = shown.as_array().expect("rows");
    assert!(rows.len() > 20 && rows.iter().all(|row| row["key"].is_string() && row["origin"].is_string()));
    place.run(&["config", "set", "files.upload_rate", "2 MB/s"]).ends(0);
    let got = place.run(&["config", "get", "files.upload_rate", "--json"]).ends(0).json();
    assert_eq!((&got["value"], &got["key"]), (&Value::from(2_000_000), &Value::from("files.upload_rate")));
    assert_eq!(place.run(&["config", "get", "overlay.port"]).ends(0).out, "0\n");
    let env = place.command(&["config", "get", "overlay.port", "--json"]).env("WEFT_OVERLAY__PORT", "77").output();
    let env = Said::of(env.expect("weft runs")).ends(0).json();
    assert_eq!((&env["value"], &env["origin"]), (&Value::from(77), &Value::from("environment WEFT_OVERLAY__PORT")));
    let table = place.run(&["config", "show", "--origin"]).ends(0).out;
    assert!(table.lines().next().is_some_and(|head| head.contains("FROM")), "{table}");

    let unknown = place.run(&["config", "set", "files.upload_rat", "1"]).ends(1);
    assert!(unknown.err.contains("did you mean `files.upload_rate`?"), "{}", unknown.err);
    let path = place.run(&["config", "path"]).ends(0).out;
    assert_eq!(Path::new(path.trim()), place.data().join("config.toml"));

    // A key nobody knows stops the node, and the doctor says the same and goes on.
    let text = std::fs::read_to_string(path.trim()).expect("a file") + "\n[apy]\nlisten = 'x'\n";
    std::fs::write(path.trim(), text).expect("a file");
    let refused = place.run(&["up"]).ends(1);
    assert!(refused.err.contains("apy.listen") && refused.err.contains("api.listen"), "{}", refused.err);
    let doctor = place.run(&["doctor", "--json"]).ends(1).json();
    let finding = doctor["checks"].as_array().expect("checks").iter().find(|row| row["check"] == "config");
    assert_eq!(finding.map(|row| &row["state"]), Some(&Value::from("failed")), "{doctor}");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let place = Place::new();
    let well = place.run(&["doctor", "--json"]).ends(0).json();
    assert_eq!(well["ok"], true, "{well}");
    place.run(&["id", "init", "--device", "desk"]).ends(0);
    let keystore = place.run(&["id", "--json"]).ends(0).json()["keystore"].as_str().expect("a path").to_owned();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&keystore, mode).expect("opened to others");
    let ill = place.run(&["doctor"]).ends(1);
    assert!(ill.out.contains("FAILED") && ill.out.contains(&format!("chmod 600 {keystore}")), "{}", ill.out);
}

#[test]
fn an_identity_is_made_protected_and_restored() {
    let place = Place::new();
    let made = place.run(&["id", "init", "--device", "desk", "--json"]).ends(0).json();
    assert_eq!(made["device_name"], "desk");
    place.run(&["id", "init"]).ends(1);
    let shown = place.run(&["id", "--json"]).ends(0).json();
    assert_eq!(
        (&shown["user"], &shown["peer"], &shown["encrypted"]),
        (&made["user"], &made["peer"], &Value::from(false))
    );
    let told = place.run(&["id"]).ends(0);
    assert!(told.out.contains(made["user"].as_str().expect("a key")), "{}", told.out);

    // The phrase is for a person at a terminal; a script gets nothing.
    let denied = place.run_with(&["id", "--reveal-phrase"], "reveal\n").ends(4);
    assert!(denied.out.is_empty(), "{}", denied.out);

    place.run_with(&["id", "passphrase"], "open sesame\n").ends(0);
    assert_eq!(place.run_with(&["id", "--json"], "open sesame\n").ends(0).json()["encrypted"], true);
    let wrong = place.run_with(&["id"], "wrong\n").ends(1);
    assert!(!wrong.err.contains("wrong\n") && wrong.err.contains("error: "), "{}", wrong.err);
    // A node that starts unattended has it from a file.
    place.run(&["up"]).ends(1);
    let file = place.path("passphrase");
    std::fs::write(&file, "open sesame\n").expect("a file");
    place.run(&["config", "set", "identity.passphrase_file", file.to_str().expect("a path")]).ends(0);
    let node = place.up();
    assert_eq!(node.first["user"], made["user"]);
    let busy = place.run(&["id", "passphrase", "--remove"]).ends(1);
    assert!(busy.err.contains("stop it first"), "{}", busy.err);
    assert_eq!(node.interrupt(), 0);
    place.run(&["id", "passphrase", "--remove"]).ends(0);
    assert_eq!(place.run(&["id", "--json"]).ends(0).json()["encrypted"], false);

    let other = Place::new();
    let phrase = "abandon ".repeat(23) + "art";
    let restored = other.run_with(&["id", "restore", "--device", "phone", "--json"], &format!("{phrase}\n")).ends(0);
    assert_eq!(restored.json()["device_name"], "phone");
    assert!(!restored.err.contains("abandon") && !restored.out.contains("abandon"));
    let again = Place::new();
    let second = again.run_with(&["id", "restore", "--json"], &format!("{phrase}\n")).ends(0).json();
    assert_eq!(second["user"], restored.json()["user"], "the same person");
    assert_ne!(second["peer"], restored.json()["peer"], "on another device");
    again.run_with(&["id", "restore"], "abandon abandon\n").ends(1);
}

#[test]
fn a_node_runs_is_asked_and_stops() {
    let place = Place::new();
    let node = place.up();
    for key in ["pid", "api", "peer", "user", "tcp", "udp", "dht", "relay", "version"] {
        assert!(node.first.get(key).is_some(), "{key} is missing in {}", node.first);
    }
    let second = place.run(&["up"]).ends(1);
    assert!(
        second.err.contains(&format!("process {}", node.first["pid"])) && second.err.contains("mend: "),
        "{}",
        second.err
    );
    let status = place.run(&["status", "--json"]).ends(0).json();
    assert_eq!((&status["peer"], &status["health"]), (&node.first["peer"], &Value::from("ok")));
    assert!(place.run(&["status"]).ends(0).out.contains("private/cli-tests"));
    let doctor = place.run(&["doctor", "--json"]).ends(0).json();
    assert_eq!(doctor["ok"], true, "{doctor}");

    assert_eq!(place.run(&["ls", "--json"]).ends(0).json(), Value::Array(vec![]));
    let peers = place.run(&["peers", "--json"]).ends(0).json();
    assert!(peers["contacts"].is_array() && peers["peers"].is_array());
    place.run(&["show", "nothing"]).ends(1);
    place.run(&["status", "--off", "files"]).ends(1);
    // A token of another folder opens nothing.
    let token = place.data().join("api-token");
    let right = std::fs::read(&token).expect("a token");
    std::fs::write(&token, "A".repeat(43)).expect("a file");
    place.run(&["ls"]).ends(4);
    std::fs::write(&token, right).expect("a file");

    let events = Running::start(place.command(&["events", "--json"]));
    assert_eq!(events.first["type"], "snapshot");
    let replay = Running::start(place.command(&["events", "--json", "--after", "0", "--source", "node"]));
    for key in ["type", "seq", "at_ms", "source", "kind", "data"] {
        assert!(replay.first.get(key).is_some(), "{key} is missing in {}", replay.first);
    }
    assert_eq!(replay.interrupt(), 0);
    assert_eq!(node.interrupt(), 0);
    assert!(!place.data().join("node.json").exists());
    place.run(&["ls"]).ends(3);
}

#[test]
fn what_one_shares_another_gets_without_a_node() {
    let (ann, ben) = (Place::new(), Place::new());
    let folder = ann.path("photos");
    std::fs::create_dir_all(folder.join("deep")).expect("a folder");
    std::fs::write(folder.join("large.bin"), bytes(5_000_000)).expect("a file");
    std::fs::write(folder.join("deep/small.txt"), "small").expect("a file");
    let torrent = ann.path("photos.torrent");
    let mut command = ann.command(&["share", "--json", "--torrent-out"]);
    command.arg(&torrent).arg(&folder);
    let share = Running::start(command);
    for key in ["type", "info_hash", "name", "size", "link", "serving"] {
        assert!(share.first.get(key).is_some(), "{key} is missing in {}", share.first);
    }
    assert_eq!(
        (&share.first["serving"], &share.first["size"]),
        (&Value::from("this-command"), &Value::from(5_000_005))
    );
    let link = share.first["link"].as_str().expect("a link").to_owned();
    let link = link.as_str();

    let dir = ben.path("got");
    let got = ben.run(&["get", link, "--dir", dir.to_str().expect("a path"), "--json", "--timeout", "60"]).ends(0);
    let lines = got.lines();
    let last = lines.last().expect("an answer");
    assert_eq!(last["type"], "complete");
    assert!(last["path"].as_str().is_some_and(|path| Path::new(path) == dir.join("photos")), "{last}");
    for line in lines.iter().rev().skip(1) {
        for key in
            ["info_hash", "name", "state", "done", "wanted", "progress", "rate_down", "rate_up", "peers", "eta_seconds"]
        {
            assert!(line["type"] != "progress" || line.get(key).is_some(), "{key} is missing in {line}");
        }
    }
    assert!(same(&folder.join("large.bin"), &dir.join("photos/large.bin")));
    assert!(same(&folder.join("deep/small.txt"), &dir.join("photos/deep/small.txt")));

    // By the .torrent file and a peer named by hand, one file alone, with the path on standard output.
    let other = Place::new();
    let peer = ann.run(&["id", "--json"]).ends(0).json()["peer"].as_str().expect("a key").to_owned();
    let tcp = ann.run(&["status", "--json"]).ends(0).json()["tcp"].as_str().expect("an address").to_owned();
    assert!(!peer.is_empty());
    let torrent = torrent.to_str().expect("a path");
    let said = other.run(&["get", torrent, "--peer", &tcp, "--select", "0", "--timeout", "60"]).ends(0);
    assert_eq!(said.out, format!("{}\n", other.data().join("files/photos").display()));

    assert_eq!(share.interrupt(), 0);
    // Nobody has it now: the time runs out, and that has a code of its own.
    let late = Place::new();
    late.run(&["get", link, "--timeout", "2"]).ends(5);
    // What is complete is complete without anybody.
    ben.run(&["get", link, "--timeout", "30"]).ends(0);
}

#[test]
fn people_meet_by_a_link_and_lists_are_changed() {
    let (ann, ben) = (Place::new(), Place::new());
    let (ann_node, ben_node) = (ann.up(), ben.up());
    let invitation = ann.run(&["invite", "--name", "ann", "--json"]).ends(0).json();
    let link = invitation["link"].as_str().expect("a link").to_owned();
    let told = ann.run(&["invite"]).ends(0);
    assert!(told.out.starts_with("weft:") && told.out.lines().count() == 1 && told.err.contains('█'), "{}", told.err);
    let added = ben.run(&["add-peer", &link, "--json"]).ends(0).json();
    assert_eq!((&added["contact"]["petname"], &added["is_new"]), (&Value::from("ann"), &Value::from(true)));
    assert!(ben.run(&["peers"]).ends(0).out.contains("ann"));
    assert_eq!(ben.run(&["peers", "--json"]).ends(0).json()["contacts"][0]["user_key"], ann_node.first["user"]);
    let bad = ben.run(&["add-peer", "weft:nonsense"]).ends(1);
    assert!(bad.err.starts_with("error: "), "{}", bad.err);

    let file = ann.path("file.bin");
    std::fs::write(&file, bytes(300_000)).expect("a file");
    let shared = ann.run(&["share", file.to_str().expect("a path"), "--json"]).ends(0).lines();
    let shared = shared.last().expect("an answer");
    assert_eq!(shared["serving"], "node");
    let public = ann.run(&["share", file.to_str().expect("a path"), "--public"]).ends(0).out;
    assert!(public.starts_with("magnet:?") && !public.contains("x.weft"), "{public}");
    let hash = shared["info_hash"].as_str().expect("an info-hash");

    ben.run(&["get", shared["link"].as_str().expect("a link"), "--timeout", "60"]).ends(0);
    assert!(same(&file, &ben.data().join("files/file.bin")));
    let listed = ben.run(&["ls", "--json"]).ends(0).json();
    assert_eq!((&listed[0]["info_hash"], &listed[0]["complete"]), (&Value::from(hash), &Value::from(true)));
    assert!(ben.run(&["ls"]).ends(0).out.contains("file.bin"));
    let one = ben.run(&["show", &hash[..8], "--json"]).ends(0).json();
    assert!(one["peers"].is_array() && one["files"].is_array() && one["trackers"].is_array());
    assert!(ben.run(&["show", "file.bin"]).ends(0).out.contains(hash));
    look_inside(&ben, hash, &std::fs::read(&file).expect("a file"));
    assert_eq!(ben.run(&["pause", "file.bin", "--json"]).ends(0).json()["paused"][0], hash);
    assert_eq!(ben.run(&["resume", hash, "--json"]).ends(0).json()["resumed"][0], hash);
    ben.run(&["remove", hash, "nothing"]).ends(1);
    assert_eq!(ben.run(&["ls", "--json"]).ends(0).json().as_array().map(Vec::len), Some(1), "a slip removes nothing");
    ben.run(&["remove", hash]).ends(0);
    assert!(ben.data().join("files/file.bin").exists(), "the file stays");
    assert_eq!(ben.run(&["ls", "--json"]).ends(0).json(), Value::Array(vec![]));
    assert_eq!((ann_node.interrupt(), ben_node.interrupt()), (0, 0));
}

/// What is done with one torrent's files.
fn look_inside(place: &Place, hash: &str, bytes: &[u8]) {
    let read = place.command(&["cat", hash]).output().expect("weft runs");
    assert!(read.status.success() && read.stdout == bytes, "{}", String::from_utf8_lossy(&read.stderr));
    assert!(place.run(&["cat", hash, "nothing"]).ends(1).err.contains("weft show"));
    let wanted = place.run(&["prioritize", hash, "high", "0", "--json"]).ends(0).json();
    assert_eq!((&wanted["priority"], &wanted["files"]), (&"high".into(), &serde_json::json!([0])));
    let shown = place.run(&["show", hash, "--json"]).ends(0).json();
    assert_eq!(shown["files"][0]["priority"], "high");
    assert!(place.run(&["show", hash]).ends(0).out.contains("high"));
    place.run(&["prioritize", hash, "high", "9"]).ends(1);
    place.run(&["prioritize", hash, "most", "0"]).ends(2);
    let own = place.run(&["limit", hash, "--down", "2 MB/s", "--json"]).ends(0).json();
    assert_eq!(own, serde_json::json!({ "download": 2_000_000, "upload": null }));
    let own = place.run(&["limit", hash, "--up", "5000", "--json"]).ends(0).json();
    assert_eq!(own, serde_json::json!({ "download": 2_000_000, "upload": 5000 }), "the other stays");
    assert!(place.run(&["limit", hash, "--down", "none"]).ends(0).out.contains("no limit"));
    assert_eq!(place.run(&["limit", "--up", "1 MB/s", "--json"]).ends(0).json()["upload"], 1_000_000);
    assert_eq!(place.run(&["limit", "--up", "none", "--json"]).ends(0).json()["upload"], Value::Null);
    place.run(&["limit", "--up", "fast"]).ends(2);
}

#[test]
fn an_interrupted_get_goes_on_where_it_stopped() {
    let (ann, ben) = (Place::new(), Place::new());
    ann.run(&["config", "set", "files.upload_rate", "2 MB/s"]).ends(0);
    let file = ann.path("film.bin");
    std::fs::write(&file, bytes(8_000_000)).expect("a file");
    let share = {
        let mut command = ann.command(&["share", "--json"]);
        command.arg(&file);
        Running::start(command)
    };
    let link = share.first["link"].as_str().expect("a link").to_owned();
    let mut get =
        ben.command(&["get", &link, "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("weft runs");
    let out = BufReader::new(get.stdout.take().expect("a pipe"));
    let mut before = 0;
    for line in out.lines() {
        let line: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        assert_ne!(line["type"], "complete", "it is faster than its limit");
        before = line["done"].as_u64().unwrap_or(0);
        if before > 1_000_000 {
            break;
        }
    }
    let code = Running { child: get, first: Value::Null }.interrupt();
    assert_eq!(code, 1, "it is not complete");

    let again = ben.run(&["get", &link, "--json", "--timeout", "60"]).ends(0);
    let done: Vec<u64> = again.lines().iter().filter_map(|line| line["done"].as_u64()).collect();
    let taken_up = done.iter().copied().find(|done| *done > 0).expect("progress");
    assert!(taken_up + 1_000_000 >= before, "it began anew: {taken_up} after {before}");
    assert!(same(&file, &ben.data().join("files/film.bin")));
    assert_eq!(share.interrupt(), 0);
}

#[test]
fn manual_and_completions_come_from_the_same_definition() {
    let place = Place::new();
    let page = place.run(&["man"]).ends(0).out;
    assert!(page.contains(".TH weft") && page.contains("add\\-peer"), "{page}");
    let dir = place.path("man");
    place.run(&["man", "--dir", dir.to_str().expect("a path")]).ends(0);
    assert!(dir.join("weft.1").exists() && dir.join("weft-get.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).ends(0).out.contains("add-peer"), "{shell}");
    }
}
