//! `weft id`: who you are, made anew, restored, protected, written down.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use serde_json::json;
use weft_node::identity::{self, Keystore, Passphrase, RecoveryPhrase};
use weft_node::{IdentityConfig, Paths};

use crate::args::{Global, NetworkArgs};
use crate::failure::{Exit, Failure, Result};
use crate::shapes::Status;
use crate::{client::Client, output, prompt, session};

/// What must be typed before the phrase is shown.
const REVEAL_WORD: &str = "reveal";

/// Show or change who you are.
///
/// With --json, {"peer", "user", "device_name", "keystore", "encrypted"}.
#[derive(Debug, Args)]
pub(crate) struct Id {
    /// Show the recovery phrase: who reads it is you
    #[arg(long)]
    reveal_phrase: bool,
    #[command(subcommand)]
    verb: Option<IdVerb>,
}

#[derive(Debug, Subcommand)]
enum IdVerb {
    /// Make a new identity
    Init {
        /// This device's name [default: the machine's]
        #[arg(long, value_name = "NAME")]
        device: Option<String>,
        /// Protect it with a passphrase, which is asked for
        #[arg(long)]
        passphrase: bool,
    },
    /// Take your identity from its recovery phrase, which is asked for; this device gets a key of its own
    Restore {
        /// This device's name [default: the machine's]
        #[arg(long, value_name = "NAME")]
        device: Option<String>,
        /// Protect it with a passphrase, which is asked for
        #[arg(long)]
        passphrase: bool,
    },
    /// Set, change or remove the passphrase
    Passphrase {
        /// Remove it: the keystore is then protected by its file permissions alone
        #[arg(long)]
        remove: bool,
    },
}

pub(crate) async fn run(global: &Global, args: Id) -> Result<ExitCode> {
    let paths = session::paths(global)?;
    let sources = session::sources(&paths, global, &NetworkArgs::default());
    // A broken setting elsewhere must not stand between people and their phrase.
    let (config, _) = session::config_or_default(&sources);
    match args.verb {
        None if args.reveal_phrase => reveal(&paths, &config.identity),
        None => show(global, &paths, &config.identity).await,
        Some(_) if args.reveal_phrase => Err(Failure::usage("--reveal-phrase stands alone")),
        Some(IdVerb::Init { device, passphrase }) => init(global, &paths, device, passphrase),
        Some(IdVerb::Restore { device, passphrase }) => restore(global, &paths, device, passphrase),
        Some(IdVerb::Passphrase { remove }) => change_passphrase(&paths, &config.identity, remove),
    }
}

async fn show(global: &Global, paths: &Paths, config: &IdentityConfig) -> Result<ExitCode> {
    let keystore = Keystore::in_data_dir(&paths.data_dir);
    let (peer, user, device) = match Client::of_running(&paths.data_dir)? {
        Some(client) => {
            let status: Status = client.get("/api/v1/status").await?;
            (status.peer, status.user, status.device_name)
        }
        None => {
            let unlocked = open(&keystore, paths, config)?;
            let certificate = unlocked.identity.certificate();
            (certificate.device().to_string(), certificate.user().to_string(), certificate.name().to_string())
        }
    };
    let encrypted = keystore.is_encrypted()?;
    if global.json {
        output::say_json_pretty(&json!({ "peer": peer, "user": user, "device_name": device,
            "keystore": keystore.path(), "encrypted": encrypted }));
        return Ok(ExitCode::SUCCESS);
    }
    output::say(format!("user     {user}"));
    output::say(format!("device   {peer} ({device})"));
    let how = if encrypted { "protected by a passphrase" } else { "protected by its file permissions alone" };
    output::say(format!("keystore {} ({how})", keystore.path().display()));
    output::note("Is the recovery phrase written down? `weft id --reveal-phrase` shows it.");
    Ok(ExitCode::SUCCESS)
}

fn reveal(paths: &Paths, config: &IdentityConfig) -> Result<ExitCode> {
    if !prompt::is_interactive() {
        return Err(Failure::new("the recovery phrase is shown to a person at a terminal only")
            .exit(Exit::Denied)
            .mend("run `weft id --reveal-phrase` in a terminal"));
    }
    let keystore = Keystore::in_data_dir(&paths.data_dir);
    output::note("Who reads the recovery phrase is you, for ever. Nobody needs it but you; no program asks for it.");
    if !prompt::confirm(&format!("Type `{REVEAL_WORD}` to show it: "), REVEAL_WORD)? {
        return Err(Failure::new("not confirmed: nothing is shown").exit(Exit::Denied));
    }
    let phrase = match keystore.is_encrypted()? {
        true => keystore.reveal_phrase(Some(&passphrase(paths, config)?))?,
        false => keystore.reveal_phrase(None)?,
    };
    show_phrase(&phrase);
    Ok(ExitCode::SUCCESS)
}

fn show_phrase(phrase: &RecoveryPhrase) {
    let words = phrase.reveal();
    for (row, words) in words.split_whitespace().collect::<Vec<_>>().chunks(6).enumerate() {
        let numbered = words.iter().enumerate().map(|(column, word)| format!("{:>2} {word:<9}", row * 6 + column + 1));
        output::say(numbered.collect::<Vec<_>>().join(" ").trim_end());
    }
    output::note("Write the words down on paper, in this order. They bring your identity back with `weft id restore`.");
}

fn init(global: &Global, paths: &Paths, device: Option<String>, protect: bool) -> Result<ExitCode> {
    refuse_running(paths)?;
    let passphrase = protect.then(new_passphrase).transpose()?;
    let device = identity::device_name(device.as_deref())?;
    identity::prepare_data_dir(&paths.data_dir)?;
    let keystore = Keystore::in_data_dir(&paths.data_dir);
    let (unlocked, _) = keystore.create(device, passphrase.as_ref(), now())?;
    told(global, "made", &unlocked);
    if !global.json {
        output::note("Write its recovery phrase down now: `weft id --reveal-phrase`.");
    }
    Ok(ExitCode::SUCCESS)
}

fn restore(global: &Global, paths: &Paths, device: Option<String>, protect: bool) -> Result<ExitCode> {
    refuse_running(paths)?;
    let phrase = RecoveryPhrase::parse(&prompt::secret("The 24 words of the recovery phrase: ")?)?;
    let passphrase = protect.then(new_passphrase).transpose()?;
    let device = identity::device_name(device.as_deref())?;
    identity::prepare_data_dir(&paths.data_dir)?;
    let unlocked = Keystore::in_data_dir(&paths.data_dir).restore(&phrase, device, passphrase.as_ref(), now())?;
    told(global, "restored", &unlocked);
    Ok(ExitCode::SUCCESS)
}

fn told(global: &Global, what: &str, unlocked: &identity::Unlocked) {
    let certificate = unlocked.identity.certificate();
    let (user, device) = (certificate.user(), certificate.device());
    if global.json {
        let name = certificate.name().to_string();
        output::say_json(&json!({ "user": user.to_string(), "peer": device.to_string(), "device_name": name }));
        return;
    }
    output::say(format!("{what}: user {user}"));
    output::say(format!("  device {device} ({})", certificate.name()));
}

fn change_passphrase(paths: &Paths, config: &IdentityConfig, remove: bool) -> Result<ExitCode> {
    refuse_running(paths)?;
    let keystore = Keystore::in_data_dir(&paths.data_dir);
    let old = if keystore.is_encrypted()? { Some(passphrase(paths, config)?) } else { None };
    let new = if remove { None } else { Some(new_passphrase()?) };
    keystore.change_passphrase(old.as_ref(), new.as_ref())?;
    output::note(if remove { "the passphrase is removed" } else { "the passphrase is set" });
    if !remove {
        output::note("a node that starts unattended needs it in a file: setting identity.passphrase_file");
    }
    Ok(ExitCode::SUCCESS)
}

/// The keystore of a running node is not changed under it.
fn refuse_running(paths: &Paths) -> Result<()> {
    match weft_node::running_node(&paths.data_dir) {
        Some(node) => Err(Failure::new(format!("a node (process {}) runs on {}", node.pid, paths.data_dir.display()))
            .mend("stop it first")),
        None => Ok(()),
    }
}

fn open(keystore: &Keystore, paths: &Paths, config: &IdentityConfig) -> Result<identity::Unlocked> {
    if !keystore.exists() {
        return Err(Failure::new(format!("there is no identity in {}", paths.data_dir.display()))
            .mend("make one with `weft id init`, or bring yours with `weft id restore`"));
    }
    let passphrase = if keystore.is_encrypted()? { Some(passphrase(paths, config)?) } else { None };
    Ok(keystore.open(passphrase.as_ref())?)
}

/// From where a node would have it, else from the person.
fn passphrase(_: &Paths, config: &IdentityConfig) -> Result<Passphrase> {
    if let Some(passphrase) = identity::passphrase_source(config).resolve()? {
        return Ok(passphrase);
    }
    Ok(Passphrase::new(prompt::secret("Passphrase: ")?)?)
}

fn new_passphrase() -> Result<Passphrase> {
    let first = prompt::secret("New passphrase: ")?;
    if prompt::is_interactive() && *prompt::secret("Once more: ")? != *first {
        return Err(Failure::new("the two are not the same; nothing is changed").mend("try again"));
    }
    Ok(Passphrase::new(first)?)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
