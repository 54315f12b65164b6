//! What the API and the events show of people: plain data with text for keys.

use serde::Serialize;
use utoipa::ToSchema;
use weft_identity::{Contact, DeviceCertificate, Identity, Invitation, KnownDevice, NetworkName, Reach};

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Me {
    /// The user's public key, z-base-32: what others keep in their address book.
    pub user_key: String,
    /// This device's public key, z-base-32: what the network dials.
    pub device_key: String,
    /// The user's ledger account, as Ethereum wallets write it.
    pub ledger_address: String,
    /// The user's publishing key (x-only secp256k1), hexadecimal.
    pub publishing_key: String,
    /// The network this node is on.
    pub network: String,
    /// The user's devices that this node knows; this one first.
    pub devices: Vec<DeviceView>,
}

/// A device and what its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeviceView {
    /// The device's public key, z-base-32.
    pub device_key: String,
    /// What its owner calls it.
    pub name: String,
    /// When its owner certified it, Unix seconds.
    pub certified: u64,
    /// When its certificate expires, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// When it was last connected, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactView {
    /// The contact's user key, z-base-32.
    pub user_key: String,
    /// What you call them.
    pub petname: String,
    /// Whether you want nothing to do with them.
    pub blocked: bool,
    /// When you added them, Unix seconds.
    pub added: u64,
    /// Your notes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Their devices.
    pub devices: Vec<DeviceView>,
}

/// A contact with where each device was last known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactDetail {
    /// The contact.
    #[serde(flatten)]
    pub contact: ContactView,
    /// Where its devices were last known to be.
    pub reach: Vec<DeviceDetail>,
}

/// Where a device was last known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeviceDetail {
    /// The device's public key, z-base-32.
    pub device_key: String,
    /// UDP addresses of its overlay endpoint, newest first.
    pub udp: Vec<String>,
    /// TCP addresses of its bulk listener, newest first.
    pub tcp: Vec<String>,
    /// Relays that may know it.
    pub relays: Vec<String>,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvitationView {
    /// The link to send: `weft:…`.
    pub link: String,
    /// The same in upper case, which a QR code stores more compactly.
    pub qr: String,
    /// Who invites, z-base-32.
    pub user_key: String,
    /// The devices it names; the one that invites first.
    pub devices: Vec<DeviceView>,
    /// Where the inviting device may be reached.
    pub reach: DeviceDetail,
    /// The network it leads to.
    pub network: String,
    /// What the inviter suggests to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub petname: Option<String>,
    /// Until when it may be used, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl Me {
    pub(crate) fn of(identity: &Identity, network: &NetworkName) -> Self {
        Self {
            user_key: identity.user_key().to_string(),
            device_key: identity.device_key().to_string(),
            ledger_address: identity.ledger_address().to_string(),
            publishing_key: data_encoding::HEXLOWER.encode(&identity.publishing_key()),
            network: network.to_string(),
            devices: vec![DeviceView::certified(identity.certificate())],
        }
    }
}

impl DeviceView {
    fn certified(certificate: &DeviceCertificate) -> Self {
        Self {
            device_key: certificate.device().to_string(),
            name: certificate.name().to_string(),
            certified: certificate.created(),
            expires: certificate.expires(),
            seen: None,
        }
    }

    fn known(device: &KnownDevice) -> Self {
        Self { seen: device.seen(), ..Self::certified(device.certificate()) }
    }
}

impl DeviceDetail {
    fn of(device_key: String, reach: &Reach) -> Self {
        Self {
            device_key,
            udp: reach.udp().iter().map(ToString::to_string).collect(),
            tcp: reach.tcp().iter().map(ToString::to_string).collect(),
            relays: reach.relays().iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Contact> for ContactView {
    fn from(contact: &Contact) -> Self {
        Self {
            user_key: contact.user().to_string(),
            petname: contact.petname().to_string(),
            blocked: contact.is_blocked(),
            added: contact.added(),
            notes: contact.notes().to_owned(),
            devices: contact.devices().iter().map(DeviceView::known).collect(),
        }
    }
}

impl From<&Contact> for ContactDetail {
    fn from(contact: &Contact) -> Self {
        let reach = |device: &KnownDevice| DeviceDetail::of(device.key().to_string(), device.reach());
        Self { contact: contact.into(), reach: contact.devices().iter().map(reach).collect() }
    }
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            link: invitation.to_string(),
            qr: invitation.qr_text(),
            user_key: invitation.user().to_string(),
            devices: invitation.certificates().iter().map(DeviceView::certified).collect(),
            reach: DeviceDetail::of(invitation.certificate().device().to_string(), invitation.reach()),
            network: invitation.network().to_string(),
            petname: invitation.petname().map(ToString::to_string),
            expires: invitation.expires(),
        }
    }
}
