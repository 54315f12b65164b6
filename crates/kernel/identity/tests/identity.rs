//! The crate from outside, on a real disk: an identity's life, and that no secret shows where it should not.

use std::{fmt::Debug, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use weft_identity::{
    ChangePassphraseError, CreateError, DeviceName, KeyFileError, Keystore, OpenError, Passphrase, Purpose,
    RecoveryPhrase,
};
use zeroize::Zeroizing;

const NOW: u64 = 1_750_000_000;
const SIGNING: Purpose = Purpose::named("test/signing");

fn keystore(data: &Path) -> Keystore {
    Keystore::in_data_dir(data).with_work_factor(4)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

#[test]
fn created_opened_and_restored_beside() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = passphrase("correct horse");
    let (made, phrase) = keystore(first.path()).create(name("laptop"), Some(&secret), NOW).unwrap();
    let opened = keystore(first.path()).open(Some(&secret)).unwrap();
    assert_eq!(opened.identity.certificate(), made.identity.certificate());
    assert_eq!(opened.transport.public(), made.identity.device_key());

    let words = keystore(first.path()).reveal_phrase(Some(&secret)).unwrap().reveal();
    assert_eq!(words, phrase.reveal());
    let retyped = RecoveryPhrase::parse(&words).unwrap();
    let restored = keystore(second.path()).restore(&retyped, name("phone"), None, NOW).unwrap();
    assert_eq!(restored.identity.user_key(), made.identity.user_key());
    assert_eq!(restored.identity.ledger_address(), made.identity.ledger_address());
    assert_eq!(restored.identity.publishing_key(), made.identity.publishing_key());
    assert_eq!(restored.identity.derive_storage_key(SIGNING), made.identity.derive_storage_key(SIGNING));
    assert_ne!(restored.identity.device_key(), made.identity.device_key());

    let signature = restored.identity.sign_with_user(SIGNING, b"payload");
    made.identity.user_key().verify(SIGNING, b"payload", &signature).unwrap();
    let signature = opened.transport.sign(SIGNING, b"payload");
    made.identity.device_key().verify(SIGNING, b"payload", &signature).unwrap();
    assert!(restored.identity.device_key().verify(SIGNING, b"payload", &signature).is_err());
}

#[test]
fn an_identity_is_never_overwritten() {
    let data = tempfile::tempdir().unwrap();
    let (made, phrase) = keystore(data.path()).create(name("laptop"), None, NOW).unwrap();
    assert!(matches!(keystore(data.path()).create(name("x"), None, NOW), Err(CreateError::Exists(_))));
    assert!(matches!(keystore(data.path()).restore(&phrase, name("x"), None, NOW), Err(CreateError::Exists(_))));
    // A damaged one is still somebody's keys.
    fs::write(keystore(data.path()).path(), b"damaged").unwrap();
    assert!(matches!(keystore(data.path()).create(name("x"), None, NOW), Err(CreateError::Exists(_))));
    drop(made);
}

#[test]
fn passphrase_is_set_changed_and_removed() {
    let data = tempfile::tempdir().unwrap();
    let keystore = keystore(data.path());
    let (made, _) = keystore.create(name("laptop"), None, NOW).unwrap();
    assert!(!keystore.is_encrypted().unwrap());
    let (one, two) = (passphrase("one"), passphrase("two"));
    keystore.change_passphrase(None, Some(&one)).unwrap();
    assert!(keystore.is_encrypted().unwrap());
    keystore.change_passphrase(Some(&one), Some(&two)).unwrap();
    assert!(matches!(keystore.open(Some(&one)), Err(OpenError::WrongPassphrase(_))));
    assert!(matches!(
        keystore.change_passphrase(Some(&one), None),
        Err(ChangePassphraseError::Open(OpenError::WrongPassphrase(_)))
    ));
    keystore.change_passphrase(Some(&two), None).unwrap();
    assert_eq!(keystore.open(None).unwrap().identity.device_key(), made.identity.device_key());
}

#[test]
fn each_failure_has_its_own_error_with_a_mend() {
    let data = tempfile::tempdir().unwrap();
    let keystore = keystore(data.path());
    let says = |error: OpenError, part: &str| {
        let text = error.to_string();
        assert!(text.contains(part), "{text:?} should contain {part:?}");
    };
    says(keystore.open(None).unwrap_err(), "restore yours");
    keystore.create(name("laptop"), Some(&passphrase("p")), NOW).unwrap();
    let good = fs::read(keystore.path()).unwrap();
    says(keystore.open(None).unwrap_err(), "WEFT_PASSPHRASE_FILE");
    says(keystore.open(Some(&passphrase("q"))).unwrap_err(), "wrong passphrase");

    let rewrite = |bytes: &[u8]| fs::write(keystore.path(), bytes).unwrap();
    rewrite(&good[..good.len() / 2]);
    says(keystore.open(Some(&passphrase("p"))).unwrap_err(), "damaged");
    rewrite(b"");
    says(keystore.open(None).unwrap_err(), "damaged");
    rewrite(b"weft-identity 7 plain\n");
    says(keystore.open(None).unwrap_err(), "newer Weft");

    rewrite(&good);
    fs::set_permissions(keystore.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let error = keystore.open(Some(&passphrase("p"))).unwrap_err();
    assert!(matches!(error, OpenError::Read(KeyFileError::Exposed { mode: 0o644, .. })));
    says(error, "chmod 600");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("keys"), b"a file where the folder should be").unwrap();
    let error = keystore(data.path()).create(name("laptop"), None, NOW).unwrap_err();
    assert!(matches!(error, CreateError::Write(KeyFileError::Io { .. })), "{error:?}");
    assert!(error.to_string().contains("keys"), "{error}");
}

/// Every secret of a run, in the spellings in which it could slip out.
fn spellings(secret: &[u8]) -> Vec<String> {
    let list = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    vec![
        data_encoding::HEXLOWER.encode(secret),
        data_encoding::HEXUPPER.encode(secret),
        data_encoding::BASE64.encode(secret),
        data_encoding::BASE32_NOPAD.encode(secret).to_lowercase(),
        list,
    ]
}

#[test]
fn debug_of_every_secret_type_prints_no_secret() {
    let data = tempfile::tempdir().unwrap();
    let secret = passphrase("correct horse battery");
    // A fixed phrase, no word of which is part of a type's or field's name.
    let words = "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic \
                 avoid letter advice cage absurd amount doctor acoustic bless";
    let phrase = RecoveryPhrase::parse(words).unwrap();
    let unlocked = keystore(data.path()).restore(&phrase, name("laptop"), Some(&secret), NOW).unwrap();
    let show = |value: &dyn Debug| format!("{value:?} {value:#?}");
    let shown = [
        show(&phrase),
        show(&secret),
        show(&unlocked),
        show(&unlocked.identity),
        show(&unlocked.transport),
        show(&keystore(data.path())),
        show(&weft_identity::PassphraseSource::Given(secret.clone())),
    ]
    .join("\n");
    // Shorter words could turn up in a random key's text.
    for word in words.split_whitespace().filter(|word| word.len() > 5) {
        assert!(!shown.to_lowercase().contains(word), "a word of the phrase is shown: {shown}");
    }
    assert!(!shown.contains("horse"));
    for spelling in spellings(unlocked.transport.expose_for_transport().as_ref()) {
        assert!(!shown.contains(&spelling));
    }
    assert!(shown.contains("<secret>"));
}

#[test]
fn an_encrypted_keystore_holds_no_phrase_and_no_key_in_clear() {
    let data = tempfile::tempdir().unwrap();
    let (unlocked, phrase) = keystore(data.path()).create(name("laptop"), Some(&passphrase("p")), NOW).unwrap();
    let file = fs::read(keystore(data.path()).path()).unwrap();
    let holds = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(!holds(unlocked.transport.expose_for_transport().as_ref()));
    for word in phrase.reveal().split(' ').filter(|word| word.len() > 4) {
        assert!(!holds(word.as_bytes()));
    }
    assert!(holds(b"age-encryption.org/v1"));
}

/// Names this process's copy of the test below, which writes until it is killed.
const CHILD: &str = "WEFT_IDENTITY_TEST_CHILD";

/// Killed at any moment, the file opens with the old or the new passphrase.
#[test]
fn survives_kill_while_the_passphrase_changes() {
    let (one, two) = (passphrase("one"), passphrase("two"));
    if let Some(data) = std::env::var_os(CHILD) {
        let keystore = keystore(Path::new(&data));
        loop {
            keystore.change_passphrase(Some(&one), Some(&two)).unwrap();
            keystore.change_passphrase(Some(&two), Some(&one)).unwrap();
        }
    }
    let data = tempfile::tempdir().unwrap();
    let keystore = keystore(data.path());
    let (made, _) = keystore.create(name("laptop"), Some(&one), NOW).unwrap();
    for round in 0..12u32 {
        let before = fs::metadata(keystore.path()).unwrap().modified().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "survives_kill_while_the_passphrase_changes", "--nocapture"])
            .env(CHILD, data.path())
            .spawn()
            .unwrap();
        // Kill at a moment that differs each round, counted from the child's first write.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while fs::metadata(keystore.path()).unwrap().modified().unwrap() == before {
            assert!(std::time::Instant::now() < deadline, "the child never wrote");
            std::thread::yield_now();
        }
        let kill_at = std::time::Instant::now() + std::time::Duration::from_micros(u64::from(round) * 937);
        while std::time::Instant::now() < kill_at {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let opened = keystore.open(Some(&one)).or_else(|_| {
            // Back to the first, so that the next child begins as this one did.
            keystore.change_passphrase(Some(&two), Some(&one))?;
            keystore.open(Some(&one)).map_err(ChangePassphraseError::from)
        });
        assert_eq!(opened.unwrap().identity.device_key(), made.identity.device_key());
    }
}
