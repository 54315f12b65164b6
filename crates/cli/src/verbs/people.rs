//! `weft peers`, `invite`, `add-peer`: whom you know, and how you meet.

use std::collections::HashMap;
use std::process::ExitCode;

use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Global, NetworkArgs};
use crate::failure::Result;
use crate::table::{Align, Table, plain};
use crate::{output, prompt, session, units};

/// List the people you know and the peers this node has met.
///
/// With --json, {"contacts": [...], "peers": [...]}, the arrays of `GET /api/v1/people/contacts` and
/// `GET /api/v1/network/peers`.
#[derive(Debug, Args)]
pub(crate) struct Peers {
    /// Peers without a name too: everybody this node has met
    #[arg(long)]
    all: bool,
}

/// Make an invitation link. Who accepts it finds this node, and knows it is yours.
///
/// With --json, the object of `POST /api/v1/people/invitations`.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// What to be called; the other may choose another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// For how many hours it may be used [default: for ever]
    #[arg(long, value_name = "HOURS")]
    hours: Option<u64>,
    /// Leave the QR code out
    #[arg(long)]
    no_qr: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Accept somebody's invitation link, and keep them in the address book.
///
/// With --json, the object of `POST /api/v1/people/invitations/accept`.
#[derive(Debug, Args)]
pub(crate) struct AddPeer {
    /// The link, `weft:…`; `-` reads it from standard input
    link: String,
    /// What to call them [default: what they suggest]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Deserialize)]
struct Contact {
    user_key: String,
    petname: String,
    blocked: bool,
    devices: Vec<Device>,
}

#[derive(Debug, Deserialize)]
struct Device {
    device_key: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Peer {
    id: String,
    path: Option<String>,
    connections: u32,
    rtt_ms: Option<f64>,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Debug, Deserialize)]
struct Invitation {
    link: String,
    qr: String,
}

#[derive(Debug, Deserialize)]
struct Accepted {
    contact: Contact,
    is_new: bool,
}

pub(crate) async fn peers(global: &Global, args: Peers) -> Result<ExitCode> {
    let client = session::running(global)?;
    let contacts: Value = client.get("/api/v1/people/contacts").await?;
    let peers: Value = client.get("/api/v1/network/peers").await?;
    if global.json {
        output::say_json_pretty(&json!({ "contacts": contacts, "peers": peers }));
        return Ok(ExitCode::SUCCESS);
    }
    let contacts: Vec<Contact> = serde_json::from_value(contacts)?;
    let peers: Vec<Peer> = serde_json::from_value(peers)?;
    if contacts.is_empty() && (peers.is_empty() || !args.all) {
        output::note("you know nobody yet: `weft invite` makes a link for a friend, `weft add-peer LINK` takes theirs");
        return Ok(ExitCode::SUCCESS);
    }
    let columns = [
        ("NAME", Align::Left),
        ("DEVICE", Align::Left),
        ("PATH", Align::Left),
        ("RTT", Align::Right),
        ("GOT", Align::Right),
        ("GIVEN", Align::Right),
        ("KEY", Align::Left),
    ];
    let mut table = Table::new(&columns);
    let mut met: HashMap<&str, &Peer> = peers.iter().map(|peer| (peer.id.as_str(), peer)).collect();
    for contact in &contacts {
        let name = if contact.blocked { format!("{} (blocked)", contact.petname) } else { contact.petname.clone() };
        if contact.devices.is_empty() {
            table.row(row(name.clone(), "-".into(), None, &contact.user_key));
        }
        for device in &contact.devices {
            let peer = met.remove(device.device_key.as_str());
            table.row(row(name.clone(), device.name.clone(), peer, &device.device_key));
        }
    }
    if args.all {
        for peer in peers.iter().filter(|peer| met.contains_key(peer.id.as_str())) {
            table.row(row("-".into(), "-".into(), Some(peer), &peer.id));
        }
    }
    output::say(table.render());
    Ok(ExitCode::SUCCESS)
}

fn row(name: String, device: String, peer: Option<&Peer>, key: &str) -> [String; 7] {
    let none = || "-".to_owned();
    let path = match peer {
        Some(peer) if peer.connections > 0 => peer.path.clone().unwrap_or_else(none),
        Some(_) => "not now".into(),
        None => none(),
    };
    [
        name,
        device,
        path,
        peer.and_then(|peer| peer.rtt_ms).map_or_else(none, |rtt| format!("{rtt:.0} ms")),
        peer.map_or_else(none, |peer| units::bytes(peer.bytes_in)),
        peer.map_or_else(none, |peer| units::bytes(peer.bytes_out)),
        key.to_owned(),
    ]
}

pub(crate) async fn invite(global: &Global, args: Invite) -> Result<ExitCode> {
    let session = session::running_or_own(global, &args.network).await?;
    let body = json!({ "petname": args.name, "valid_seconds": args.hours.map(|hours| hours.saturating_mul(3600)) });
    let made = session.client.post::<Value>("/api/v1/people/invitations", &body).await;
    let own = session.is_own();
    session.end().await;
    let made = made?;
    if own {
        output::note("no node runs here: who accepts this link reaches you while `weft up` runs");
    }
    if global.json {
        output::say_json_pretty(&made);
        return Ok(ExitCode::SUCCESS);
    }
    let invitation: Invitation = serde_json::from_value(made)?;
    output::say(&invitation.link);
    if !args.no_qr {
        match QrCode::new(invitation.qr.as_bytes()) {
            // Terminals are dark as a rule: what is light there must be light in the code.
            Ok(code) => {
                let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
                output::note(drawn);
            }
            Err(error) => output::note(format!("it does not fit into a QR code: {error}")),
        }
    }
    output::note("send it to somebody you want to know you; they run: weft add-peer 'LINK'");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn add_peer(global: &Global, args: AddPeer) -> Result<ExitCode> {
    let link = if args.link == "-" { prompt::line()?.to_string() } else { args.link.clone() };
    let session = session::running_or_own(global, &args.network).await?;
    let body = json!({ "link": link, "petname": args.name });
    let accepted = session.client.post::<Value>("/api/v1/people/invitations/accept", &body).await;
    session.end().await;
    let accepted = accepted?;
    if global.json {
        output::say_json_pretty(&accepted);
        return Ok(ExitCode::SUCCESS);
    }
    let Accepted { contact, is_new } = serde_json::from_value(accepted)?;
    let verb = if is_new { "you know" } else { "you knew already, and now know more of," };
    let devices = units::count(contact.devices.len(), "device");
    output::say(format!("{verb} {} ({devices})", plain(&contact.petname)));
    output::say(format!("  key {}", contact.user_key));
    output::note("compare that key with them over another way if it matters who they are: `weft id` shows it there");
    Ok(ExitCode::SUCCESS)
}
