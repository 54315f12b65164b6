//! The invariants of `docs/architecture.md` that a look at manifests and sources can check. Each check is also shown to
//! find what it looks for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Kernel,
    Service,
    Rim,
    Node,
    Cli,
    Lab,
}

struct Crate {
    dir: PathBuf,
    folder: String,
    name: String,
    layer: Layer,
    dependencies: BTreeSet<String>,
}

fn crates_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/").to_path_buf()
}

fn crates() -> Vec<Crate> {
    let root = crates_dir();
    let mut all = Vec::new();
    for (folder, layer) in [("kernel", Layer::Kernel), ("services", Layer::Service), ("rim", Layer::Rim)] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        let dirs = entries.map(|entry| entry.expect("an entry").path()).filter(|dir| dir.join("Cargo.toml").exists());
        all.extend(dirs.map(|dir| read(dir, layer)));
    }
    for (folder, layer) in [("node", Layer::Node), ("cli", Layer::Cli), ("lab", Layer::Lab)] {
        all.push(read(root.join(folder), layer));
    }
    all
}

fn read(dir: PathBuf, layer: Layer) -> Crate {
    let text = fs::read_to_string(dir.join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("a manifest is TOML");
    Crate {
        folder: dir.file_name().and_then(|name| name.to_str()).expect("a name").to_owned(),
        name: manifest["package"]["name"].as_str().expect("a name").to_owned(),
        dependencies: dependencies(&manifest),
        dir,
        layer,
    }
}

/// What the crate is built with: its dependencies on every target, its build script's too, but not its tests'.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let Some(entries) = table.get(kind).and_then(toml::Value::as_table) else { continue };
            for (key, value) in entries {
                // A dependency may be renamed: what counts is the package.
                names.insert(value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned());
            }
        }
    }
    names
}

/// Rust files of a crate that ship: without tests.
fn sources(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if name != "tests" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).expect("a source");
                files.push((path, shipped(&text)));
            }
        }
    }
    assert!(!files.is_empty(), "{} has no source", dir.display());
    files
}

/// The text without comments and without what follows the file's first `#[cfg(test)]` module, which stands last.
fn shipped(text: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let trimmed = line.trim_start();
        let tests = trimmed.starts_with("#[cfg(test)]");
        if tests
            && rest.peek().is_some_and(|next| next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{'))
        {
            break;
        }
        if tests {
            // One item for tests alone, as `mod tests;` or a `use`.
            rest.next();
            continue;
        }
        if !trimmed.starts_with("//") {
            lines.push(line.split("// ").next().unwrap_or(line));
        }
    }
    lines.join("\n")
}

/// The words of `forbidden` that stand in the sources of `dir`, each with its file.
fn found(dir: &Path, forbidden: &[&str]) -> Vec<String> {
    let hits = |(path, text): (PathBuf, String)| {
        let words = words(&text, forbidden);
        words.into_iter().map(move |word| format!("{}: {word}", path.display())).collect::<Vec<_>>()
    };
    sources(dir).into_iter().flat_map(hits).collect()
}

fn words<'a>(text: &str, forbidden: &[&'a str]) -> Vec<&'a str> {
    let begins = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    forbidden.iter().filter(|word| text.match_indices(**word).any(|(at, _)| begins(at))).copied().collect()
}

const PRINTING: [&str; 6] = ["println!", "eprintln!", "print!", "eprint!", "dbg!", "io::stdout()"];

/// What a sans-IO core has no business with.
const IO: [&str; 22] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixStream",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env::var",
    "Instant::now",
    "SystemTime::now",
    ".elapsed()",
    "thread_rng",
    "rand::rng()",
    "rng()",
    "rand::random",
    "OsRng",
    "ThreadRng",
    "from_entropy",
    "from_os_rng",
    "tokio::",
    "async fn",
];

/// Crates that bring sockets, clocks, runtimes or global randomness.
const IO_CRATES: [&str; 14] = [
    "tokio",
    "tokio-util",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "iroh",
    "getrandom",
    "chrono",
    "time",
    "quanta",
    "rustix",
];

#[test]
fn dependencies_point_downwards() {
    let all = crates();
    let layer_of = |name: &str| all.iter().find(|known| known.name == name).map(|known| known.layer);
    assert!(all.iter().filter(|c| c.layer == Layer::Kernel).count() >= 7, "the kernel was not found");
    assert!(all.iter().filter(|c| c.layer == Layer::Service).count() >= 3, "the services were not found");
    for each in &all {
        let own = each.dependencies.iter().filter(|name| name.starts_with("weft-"));
        for name in own {
            let below = layer_of(name).unwrap_or_else(|| panic!("{} depends on {name}, which is nowhere", each.name));
            let allowed = match each.layer {
                Layer::Kernel | Layer::Service => below == Layer::Kernel,
                Layer::Rim => matches!(below, Layer::Kernel | Layer::Service),
                Layer::Node => matches!(below, Layer::Kernel | Layer::Service | Layer::Rim),
                Layer::Cli => matches!(below, Layer::Node | Layer::Lab),
                Layer::Lab => below == Layer::Kernel,
            };
            assert!(allowed, "{} ({:?}) depends on {name} ({below:?})", each.name, each.layer);
        }
    }
}

#[test]
fn only_the_cli_prints() {
    let silent = crates().into_iter().filter(|each| each.layer != Layer::Cli);
    let prints: Vec<String> = silent.flat_map(|each| found(&each.dir, &PRINTING)).collect();
    assert!(prints.is_empty(), "{prints:#?}");
}

#[test]
fn the_protocol_core_does_no_io() {
    let all = crates();
    let core = all.iter().find(|each| each.name == "weft-bittorrent").expect("the core");
    let linked: Vec<_> = core.dependencies.iter().filter(|name| IO_CRATES.contains(&name.as_str())).collect();
    assert!(linked.is_empty(), "{linked:?}");
    let own: Vec<_> = core.dependencies.iter().filter(|name| name.starts_with("weft-")).collect();
    assert!(own.is_empty(), "the core stands alone, and depends on {own:?}");
    let io = found(&core.dir, &IO);
    assert!(io.is_empty(), "{io:#?}");
}

#[test]
fn a_crate_is_called_as_its_folder() {
    for each in crates() {
        assert_eq!(each.name, format!("weft-{}", each.folder), "{}", each.dir.display());
    }
}

#[test]
fn a_service_is_named_in_the_registry_alone() {
    // What else in the node speaks of a single service must be an adapter, its configuration, or what starts the kernel.
    let services: Vec<String> = crates()
        .into_iter()
        .filter(|each| each.layer == Layer::Service)
        .map(|each| each.name.replace('-', "_"))
        .collect();
    let node = crates_dir().join("node");
    for (path, text) in sources(&node) {
        let place = path.strip_prefix(node.join("src")).expect("a source").to_string_lossy().into_owned();
        let may = ["registry.rs", "kernel.rs", "error.rs", "config/sections.rs"].contains(&place.as_str())
            || place.starts_with("adapters");
        let named: Vec<_> = services.iter().filter(|name| text.contains(name.as_str())).collect();
        assert!(may || named.is_empty(), "{place} names {named:?}");
    }
}

#[test]
fn the_checks_find_what_they_look_for() {
    assert_eq!(words("let x = std::time::Instant::now();", &IO), ["Instant::now"]);
    assert_eq!(words("  println!(\"x\")", &PRINTING), ["println!"]);
    assert!(words("my_println!(x); sprint!(y); unprintln!()", &PRINTING).is_empty());
    let text = "use a;\n// println!(1)\n/// dbg!(2)\nlet b = 1; // eprintln!(3)\n#[cfg(test)]\nmod tests;\nlet c = 2;\n\
                #[cfg(test)]\nmod tests {\n    fn f() { println!(4) }\n}\n";
    let text = shipped(text);
    assert!(words(&text, &PRINTING).is_empty() && text.contains("let b = 1;") && text.contains("let c = 2;"), "{text}");
    assert_eq!(words(&shipped("fn f() {\n    print!(\"x\")\n}\n#[cfg(test)]\nmod tests {\n"), &PRINTING), ["print!"]);
    let manifest: toml::Table = "[dependencies]\nt = { package = \"tokio\", version = \"1\" }\n\
        [dev-dependencies]\nmio = \"1\"\n[target.'cfg(unix)'.dependencies]\nsmol = \"2\""
        .parse()
        .expect("TOML");
    assert_eq!(dependencies(&manifest).into_iter().collect::<Vec<_>>(), ["smol", "tokio"]);
}
