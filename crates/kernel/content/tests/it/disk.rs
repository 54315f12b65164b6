//! What the disk does to a torrent: full, read-only, forbidden, changed underneath, full of traps.

use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use parking_lot::Mutex;
use weft_content::{AddOptions, CreateOptions, State, TorrentStatus, TroubleKind};
use weft_store::{Batch, CommitError, Durability, Entry, MemoryStore, ReadError, Store, StoreHealth, Table};

use crate::world::{Node, Setup, make_tree, random, read_tree, soon, until};

/// A small file system of its own, unmounted at the end.
struct Tmpfs {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Tmpfs {
    /// `None`, with a note, where this user may not mount.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "weft-test"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Tmpfs { path, _dir: dir });
        }
        eprintln!("skipped: only root may mount a small file system");
        None
    }

    fn remount(&self, option: &str) {
        let output = Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

async fn in_trouble(node: &Node, id: weft_content::InfoHash, kind: TroubleKind) -> TorrentStatus {
    let status = node.engine.wait_until(id, |s| s.trouble.as_ref().is_some_and(|t| t.kind == kind));
    let status = soon("the trouble", status).await.unwrap();
    assert_eq!(status.state, State::Error);
    let trouble = status.trouble.as_ref().unwrap();
    assert!(!trouble.message.is_empty() && !trouble.mend.is_empty(), "{trouble:?}");
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_found_beforehand_and_mended() {
    let Some(small) = Tmpfs::mount("3m") else { return };
    let a_dir = tempfile::tempdir().unwrap();
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(&small.path).start().await);
    std::fs::write(a_dir.path().join("f"), random(5_000_000, 1)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    b.get_from(&a, id).await;
    let status = in_trouble(&b, id, TroubleKind::DiskFull).await;
    assert_eq!(status.downloaded, 0, "nothing is fetched that cannot be kept");
    small.remount("size=8m");
    b.complete(id).await;
    assert_eq!(std::fs::read(small.path.join("f")).unwrap(), random(5_000_000, 1));
    assert_eq!(b.engine.get(id).unwrap().trouble, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_on_the_way() {
    let Some(small) = Tmpfs::mount("8m") else { return };
    let a_dir = tempfile::tempdir().unwrap();
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(&small.path).start().await);
    std::fs::write(a_dir.path().join("f"), random(6_000_000, 2)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    b.engine.set_limits(weft_content::RateLimits { download: Some(2_000_000), upload: None });
    b.get_from(&a, id).await;
    until("some pieces", || b.engine.get(id).filter(|s| s.pieces_done > 10)).await;
    let hog = small.path.join("hog");
    let full = std::fs::write(&hog, vec![1; 8 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let status = in_trouble(&b, id, TroubleKind::DiskFull).await;
    assert!(status.pieces_done > 10 && status.pieces_done < status.pieces);
    // What is verified is still served: a third engine gets those pieces from b alone.
    let c_dir = tempfile::tempdir().unwrap();
    let c = Setup::new(c_dir.path()).start().await;
    c.add_from(&b, id, AddOptions::default()).await;
    until("pieces from the troubled one", || c.engine.get(id).filter(|s| s.pieces_done > 5)).await;
    std::fs::remove_file(&hog).unwrap();
    b.engine.set_limits(weft_content::RateLimits::default());
    b.complete(id).await;
    assert_eq!(std::fs::read(small.path.join("f")).unwrap(), random(6_000_000, 2));
    c.complete(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_and_its_mend() {
    let Some(small) = Tmpfs::mount("20m") else { return };
    let a_dir = tempfile::tempdir().unwrap();
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(&small.path).start().await);
    make_tree(&a_dir.path().join("t"), 3);
    let id = a.share(&a_dir.path().join("t"), CreateOptions::default()).await;
    small.remount("ro");
    b.get_from(&a, id).await;
    in_trouble(&b, id, TroubleKind::ReadOnly).await;
    small.remount("rw");
    b.complete(id).await;
    assert_eq!(read_tree(&small.path.join("t")), read_tree(&a_dir.path().join("t")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_folder_and_its_mend() {
    if rustix::process::getuid().is_root() {
        eprintln!("skipped: root may write anywhere; run as another user");
        return;
    }
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    std::fs::write(a_dir.path().join("f"), random(500_000, 4)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    std::fs::set_permissions(b_dir.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    b.get_from(&a, id).await;
    in_trouble(&b, id, TroubleKind::PermissionDenied).await;
    std::fs::set_permissions(b_dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    b.complete(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_file_changed_underneath() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    let top = a_dir.path().join("t");
    std::fs::create_dir(&top).unwrap();
    let (first, second) = (random(1_000_000, 5), random(1_000_000, 6));
    std::fs::write(top.join("a"), &first).unwrap();
    std::fs::write(top.join("b"), &second).unwrap();
    let id = a.share(&top, CreateOptions { piece_length: Some(65_536), ..CreateOptions::default() }).await;
    let file = std::fs::OpenOptions::new().write(true).open(top.join("a")).unwrap();
    file.write_all_at(b"somebody else wrote this", 500_000).unwrap();
    b.get_from(&a, id).await;
    let status = in_trouble(&a, id, TroubleKind::FileChanged).await;
    assert!(status.trouble.unwrap().message.contains("t/a"));
    // Everything but the changed piece is right and served; the wrong one is not.
    let partial = until("all but one piece", || b.engine.get(id).filter(|s| s.pieces_done == s.pieces - 1)).await;
    assert_eq!((partial.wasted, partial.complete), (0, false), "nothing wrong was served");
    assert_eq!(a.engine.get(id).unwrap().pieces_done, partial.pieces - 1);
    file.write_all_at(&first[500_000..500_024], 500_000).unwrap();
    b.complete(id).await;
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&top));
    let mended = a.engine.wait_until(id, |s| s.state == State::Seeding);
    assert_eq!(soon("the mend", mended).await.unwrap().trouble, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_is_told_and_a_recheck_fetches_it() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    make_tree(&a_dir.path().join("t"), 7);
    let id = a.share(&a_dir.path().join("t"), CreateOptions::default()).await;
    b.get_from(&a, id).await;
    b.complete(id).await;
    std::fs::remove_file(b_dir.path().join("t/large")).unwrap();
    in_trouble(&b, id, TroubleKind::FileMissing).await;
    b.engine.recheck(id).await.unwrap();
    let whole = b.engine.wait_until(id, |s| s.state == State::Seeding && s.complete);
    soon("the refetch", whole).await.unwrap();
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&a_dir.path().join("t")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_symlink_leads_nowhere() {
    let (a_dir, b_dir, outside) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Setup::new(a_dir.path()).start().await, Setup::new(b_dir.path()).start().await);
    make_tree(&a_dir.path().join("t"), 8);
    let id = a.share(&a_dir.path().join("t"), CreateOptions::default()).await;
    std::fs::create_dir(b_dir.path().join("t")).unwrap();
    let trap = b_dir.path().join("t/folder 3");
    symlink(outside.path(), &trap).unwrap();
    b.get_from(&a, id).await;
    in_trouble(&b, id, TroubleKind::UnsafePath).await;
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0, "nothing was written outside");
    std::fs::remove_file(&trap).unwrap();
    b.complete(id).await;
    assert_eq!(read_tree(&b_dir.path().join("t")), read_tree(&a_dir.path().join("t")));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// A store that writes only while it may.
#[derive(Default)]
struct Stubborn {
    inner: MemoryStore,
    refuses: Mutex<bool>,
}

impl Store for Stubborn {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.get(table, key)
    }
    fn scan(&self, table: Table, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        self.inner.scan(table, prefix, after, limit)
    }
    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        if *self.refuses.lock() {
            return Err(CommitError::ReadOnly { because: "the disk is full".into(), mend: "free some space".into() });
        }
        self.inner.commit(batch, durability)
    }
    fn health(&self) -> StoreHealth {
        match *self.refuses.lock() {
            true => StoreHealth::ReadOnly { because: "the disk is full".into(), mend: "free some space".into() },
            false => StoreHealth::Ok,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_go_on_while_resume_state_cannot_be_saved() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = Setup::new(a_dir.path()).start().await;
    let store = Arc::new(Stubborn::default());
    *store.refuses.lock() = true;
    let mut setup = Setup::new(b_dir.path());
    setup.store = Arc::clone(&store) as Arc<dyn Store>;
    let b = setup.start().await;
    std::fs::write(a_dir.path().join("f"), random(2_000_000, 9)).unwrap();
    let id = a.share(&a_dir.path().join("f"), CreateOptions::default()).await;
    b.get_from(&a, id).await;
    let status = b.complete(id).await;
    assert_eq!(status.warnings[0].kind, TroubleKind::ResumeNotSaved);
    assert!(status.warnings[0].mend.contains("free some space"));
    *store.refuses.lock() = false;
    until("the mend", || b.engine.get(id).filter(|s| s.warnings.is_empty())).await;
    b.engine.shutdown().await;
    // Saved at the end, so a new engine has it without being told.
    let mut setup = Setup::new(b_dir.path());
    setup.store = store;
    let again = setup.start().await;
    assert!(again.complete(id).await.complete);
}
