//! Who is signed in to the page: one-time login codes, sessions, and grants of single paths.
//!
//! A **code** is worth one session, once, for ten minutes; the login address carries it in its fragment, which browsers
//! send nowhere. A **session** has two secrets: a cookie that scripts cannot read, and a CSRF token that the page keeps and
//! sends as a header. Cookies ignore ports, so every program on this machine that the browser visits is sent ours: alone it
//! is worth nothing. A **grant** lets an element that cannot send headers (`<video src>`) read one path, beside the cookie.
//!
//! On disk are digests only, in a file of this user's: sessions outlive the node, so that a page that waited for a restart
//! goes on.

mod file;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use parking_lot::Mutex;
use rand::TryRngCore as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// 256 bits: nobody guesses a code, a cookie, a CSRF token or a grant.
const SECRET_BYTES: usize = 32;

/// 10 minutes to open the address that was printed.
pub(crate) const CODE_MS: u64 = 10 * 60 * 1000;

/// 30 days without a visit end a session.
pub(crate) const SESSION_MS: u64 = 30 * 24 * 3600 * 1000;

/// A session's last use is written down at most every hour: the disk is not asked at each request.
const TOUCH_MS: u64 = 3600 * 1000;

/// 12 hours: a long film, with pauses.
const GRANT_MS: u64 = 12 * 3600 * 1000;

/// 16 codes that were not used yet; the oldest gives way. A person opens one.
const MAX_CODES: usize = 16;

/// 32 browsers signed in; the one unused for longest gives way.
const MAX_SESSIONS: usize = 32;

/// 256 grants at once over all sessions; the oldest gives way.
const MAX_GRANTS: usize = 256;

/// A secret's digest: what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark([u8; 32]);

impl Mark {
    fn of(secret: &str) -> Self {
        Mark(Sha256::digest(secret.as_bytes()).into())
    }

    fn is(&self, secret: &str) -> bool {
        bool::from(self.0.ct_eq(&Mark::of(secret).0))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Code {
    code: Mark,
    expires_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    cookie: Mark,
    csrf: Mark,
    used_ms: u64,
}

#[derive(Debug)]
struct Grant {
    grant: Mark,
    /// The session it belongs to.
    cookie: Mark,
    path: String,
    expires_ms: u64,
}

/// What is kept on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    codes: VecDeque<Code>,
    sessions: VecDeque<Session>,
}

/// A session that was just begun. Its secrets are nowhere else.
pub(crate) struct Begun {
    /// For the cookie.
    pub(crate) cookie: Zeroizing<String>,
    /// For the page.
    pub(crate) csrf: Zeroizing<String>,
    /// When it ends if it is not used.
    pub(crate) expires_ms: u64,
}

/// The system has no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness for a login; try again once the machine has started wholly")]
pub struct NoRandomness(#[source] rand::rand_core::OsError);

/// Everybody who is signed in.
#[derive(Debug)]
pub(crate) struct Sessions {
    kept: Mutex<Kept>,
    grants: Mutex<VecDeque<Grant>>,
    file: file::File,
}

impl Sessions {
    /// The sessions of the node whose data is in `data_dir`.
    pub(crate) fn open(data_dir: &Path) -> Self {
        let file = file::File::in_data_dir(data_dir);
        let mut kept: Kept = file.read();
        kept.forget_old(now_ms());
        Sessions { kept: Mutex::new(kept), grants: Mutex::default(), file }
    }

    /// A code that [`begin`](Self::begin) takes once.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn code(&self) -> Result<Zeroizing<String>, NoRandomness> {
        let code = secret()?;
        self.change(|kept| {
            kept.codes.push_back(Code { code: Mark::of(&code), expires_ms: now_ms() + CODE_MS });
            while kept.codes.len() > MAX_CODES {
                kept.codes.pop_front();
            }
        });
        Ok(code)
    }

    /// Begins a session with a code, which is worth nothing afterwards. `None`: it is not a code, was used, or is too old.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn begin(&self, code: &str) -> Result<Option<Begun>, NoRandomness> {
        let begun = Begun { cookie: secret()?, csrf: secret()?, expires_ms: now_ms() + SESSION_MS };
        let known = self.change(|kept| {
            let Some(at) = kept.codes.iter().position(|known| known.code.is(code)) else { return false };
            kept.codes.remove(at);
            let (cookie, csrf) = (Mark::of(&begun.cookie), Mark::of(&begun.csrf));
            kept.sessions.push_back(Session { cookie, csrf, used_ms: now_ms() });
            while kept.sessions.len() > MAX_SESSIONS {
                kept.sessions.pop_front();
            }
            true
        });
        Ok(known.then_some(begun))
    }

    /// Whether cookie and CSRF token are those of one session.
    pub(crate) fn is_signed_in(&self, cookie: &str, csrf: &str) -> bool {
        let mut kept = self.kept.lock();
        let now = now_ms();
        let known = kept.sessions.iter().position(|session| session.cookie.is(cookie));
        let Some(at) = known.filter(|at| kept.sessions[*at].lives(now) && kept.sessions[*at].csrf.is(csrf)) else {
            return false;
        };
        if now.saturating_sub(kept.sessions[at].used_ms) > TOUCH_MS {
            // The latest used stands last: who was away for longest gives way first.
            if let Some(mut session) = kept.sessions.remove(at) {
                session.used_ms = now;
                kept.sessions.push_back(session);
            }
            self.file.write(&kept);
        }
        true
    }

    /// Ends the session of this cookie.
    pub(crate) fn end(&self, cookie: &str) {
        self.change(|kept| kept.sessions.retain(|session| !session.cookie.is(cookie)));
        self.grants.lock().retain(|grant| !grant.cookie.is(cookie));
    }

    /// Lets who has `cookie` read `path` without more, for as long as the grant lives.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn grant(&self, cookie: &str, path: &str) -> Result<Zeroizing<String>, NoRandomness> {
        let secret = secret()?;
        let mut grants = self.grants.lock();
        let (grant, cookie) = (Mark::of(&secret), Mark::of(cookie));
        grants.push_back(Grant { grant, cookie, path: path.to_owned(), expires_ms: now_ms() + GRANT_MS });
        while grants.len() > MAX_GRANTS {
            grants.pop_front();
        }
        Ok(secret)
    }

    /// Whether `grant`, beside `cookie`, opens `path`.
    pub(crate) fn is_granted(&self, cookie: &str, grant: &str, path: &str) -> bool {
        let now = now_ms();
        let session = self.kept.lock().sessions.iter().any(|session| session.lives(now) && session.cookie.is(cookie));
        let opens = |known: &Grant| known.path == path && known.expires_ms > now;
        session
            && self.grants.lock().iter().any(|known| opens(known) && known.cookie.is(cookie) && known.grant.is(grant))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept.lock();
        kept.forget_old(now_ms());
        let out = change(&mut kept);
        self.file.write(&kept);
        out
    }
}

impl Session {
    fn lives(&self, now: u64) -> bool {
        now.saturating_sub(self.used_ms) < SESSION_MS
    }
}

impl Kept {
    fn forget_old(&mut self, now: u64) {
        self.codes.retain(|code| code.expires_ms > now);
        self.sessions.retain(|session| session.lives(now));
    }
}

fn secret() -> Result<Zeroizing<String>, NoRandomness> {
    let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
    rand::rngs::OsRng.try_fill_bytes(bytes.as_mut_slice()).map_err(NoRandomness)?;
    Ok(Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice())))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(sessions: &Sessions) -> Begun {
        let code = sessions.code().expect("randomness");
        sessions.begin(&code).expect("randomness").expect("a good code")
    }

    #[test]
    fn a_code_is_worth_one_session() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions::open(dir.path());
        let code = sessions.code().expect("randomness");
        assert!(sessions.begin("").expect("randomness").is_none());
        assert!(sessions.begin(&code).expect("randomness").is_some());
        assert!(sessions.begin(&code).expect("randomness").is_none(), "it was used");
        let first = sessions.code().expect("randomness");
        (0..MAX_CODES).for_each(|_| drop(sessions.code()));
        assert!(sessions.begin(&first).expect("randomness").is_none(), "it gave way");
    }

    #[test]
    fn neither_half_of_a_session_is_worth_anything() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions::open(dir.path());
        let (one, other) = (begun(&sessions), begun(&sessions));
        assert!(sessions.is_signed_in(&one.cookie, &one.csrf) && sessions.is_signed_in(&other.cookie, &other.csrf));
        let nothing = String::new();
        let (cookie, csrf) = (&*one.cookie, &*one.csrf);
        for (cookie, csrf) in [(cookie, &nothing), (&nothing, csrf), (cookie, &*other.csrf), (csrf, cookie)] {
            assert!(!sessions.is_signed_in(cookie, csrf));
        }
        sessions.end(&one.cookie);
        assert!(!sessions.is_signed_in(&one.cookie, &one.csrf) && sessions.is_signed_in(&other.cookie, &other.csrf));
    }

    #[test]
    fn sessions_and_codes_outlive_the_node_and_no_secret_is_on_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions::open(dir.path());
        let one = begun(&sessions);
        let code = sessions.code().expect("randomness");
        drop(sessions);
        let text: String = std::fs::read_dir(dir.path())
            .expect("the folder")
            .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
            .collect();
        for secret in [&one.cookie, &one.csrf, &code] {
            assert!(!text.contains(secret.as_str()));
        }
        let sessions = Sessions::open(dir.path());
        assert!(sessions.is_signed_in(&one.cookie, &one.csrf));
        assert!(sessions.begin(&code).expect("randomness").is_some());
    }

    #[test]
    fn a_grant_opens_one_path_for_one_session() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions::open(dir.path());
        let (one, other) = (begun(&sessions), begun(&sessions));
        let grant = sessions.grant(&one.cookie, "/a").expect("randomness");
        assert!(sessions.is_granted(&one.cookie, &grant, "/a"));
        assert!(!sessions.is_granted(&one.cookie, &grant, "/b"));
        assert!(!sessions.is_granted(&other.cookie, &grant, "/a"));
        assert!(!sessions.is_granted(&one.cookie, "", "/a"));
        sessions.end(&one.cookie);
        assert!(!sessions.is_granted(&one.cookie, &grant, "/a"), "signed out");
    }

    #[test]
    fn the_crowd_is_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions::open(dir.path());
        let first = begun(&sessions);
        (0..MAX_SESSIONS).for_each(|_| drop(begun(&sessions)));
        assert!(!sessions.is_signed_in(&first.cookie, &first.csrf));
        assert_eq!(sessions.kept.lock().sessions.len(), MAX_SESSIONS);
    }
}
