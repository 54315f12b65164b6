//! Peers of our own on the plain wire, who count and check what a node says and sends.
//!
//! A [`Supplier`] has everything and notes what it sent. A [`Witness`] has nothing, and checks every piece that a node
//! announces by fetching it from that node and hashing it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use weft_bittorrent::bitfield::Bitfield;
use weft_bittorrent::id::PeerId;
use weft_bittorrent::metainfo::Metainfo;
use weft_bittorrent::wire::{BLOCK_LEN, BlockRef, HANDSHAKE_LEN, Handshake, Message, PieceHeader, Reserved};
use weft_lab::netns::Netns;

/// A frame longer than this is none a peer of these tests sends: a bitfield of a few thousand pieces, a block, metadata.
const LONGEST_FRAME: usize = 1 << 18;

/// A torrent of one file, with all its bytes.
pub(crate) struct Original {
    pub(crate) metainfo: Metainfo,
    bytes: Vec<u8>,
}

impl Original {
    pub(crate) fn read(path: &Path, metainfo: &[u8]) -> Result<Arc<Self>> {
        let original = Original { metainfo: Metainfo::from_bytes(metainfo)?, bytes: std::fs::read(path)? };
        ensure!(original.bytes.len() as u64 == original.metainfo.info.total_len(), "another file");
        Ok(Arc::new(original))
    }

    pub(crate) fn pieces(&self) -> u32 {
        self.metainfo.info.piece_count()
    }

    fn block(&self, block: BlockRef) -> Option<&[u8]> {
        let begin = u64::from(block.piece) * u64::from(self.metainfo.info.piece_length()) + u64::from(block.begin);
        let begin = usize::try_from(begin).ok()?;
        self.bytes.get(begin..begin.checked_add(block.len as usize)?)
    }

    fn hello(&self) -> Handshake {
        // The fast extension alone: no extended messages to answer.
        let reserved = Reserved([0, 0, 0, 0, 0, 0, 0, 4]);
        let mut id = *b"-OB0001-000000000000";
        id[12..].copy_from_slice(&rand::random::<u64>().to_be_bytes());
        Handshake { reserved, info_hash: self.metainfo.info.info_hash(), peer_id: PeerId::from(id) }
    }
}

/// What came over the wire.
enum Heard {
    Message(Message),
    Block(BlockRef, Vec<u8>),
    Other,
}

/// One side of a framed connection after the handshakes.
struct Wire {
    input: BufReader<OwnedReadHalf>,
    output: BufWriter<OwnedWriteHalf>,
}

impl Wire {
    async fn meet(stream: TcpStream, original: &Original) -> Result<Wire> {
        stream.set_nodelay(true)?;
        let (input, output) = stream.into_split();
        let mut wire = Wire { input: BufReader::new(input), output: BufWriter::with_capacity(1 << 18, output) };
        wire.output.write_all(&original.hello().encode()).await?;
        wire.output.flush().await?;
        let mut hello = [0; HANDSHAKE_LEN];
        wire.input.read_exact(&mut hello).await?;
        ensure!(Handshake::decode(&hello)?.info_hash == original.hello().info_hash, "another torrent");
        Ok(wire)
    }

    async fn say(&mut self, message: &Message) -> Result<()> {
        let mut frame = Vec::with_capacity(message.encoded_len());
        message.encode(&mut frame);
        Ok(self.output.write_all(&frame).await?)
    }

    async fn hear(&mut self) -> Result<Heard> {
        // Nothing more to read at once: whatever waits to be sent goes now.
        if self.input.buffer().is_empty() {
            self.output.flush().await?;
        }
        let length = self.input.read_u32().await? as usize;
        ensure!(length <= LONGEST_FRAME, "a frame of {length} bytes");
        let mut frame = vec![0; length];
        self.input.read_exact(&mut frame).await?;
        // A block: id 7, piece, begin, data (BEP 3).
        if let [7, rest @ ..] = frame.as_slice() {
            let (Some(piece), Some(begin), Some(data)) = (rest.get(..4), rest.get(4..8), rest.get(8..)) else {
                bail!("a block without a header");
            };
            let (piece, begin) = (u32::from_be_bytes(piece.try_into()?), u32::from_be_bytes(begin.try_into()?));
            return Ok(Heard::Block(BlockRef { piece, begin, len: data.len() as u32 }, data.to_vec()));
        }
        Ok(Message::decode(&frame)?.map_or(Heard::Other, Heard::Message))
    }
}

/// What a supplier sent since [`Supplier::turn_page`], by piece.
#[derive(Default)]
struct Sent {
    before: Vec<u64>,
    now: Vec<u64>,
}

/// A peer that has everything, serves whoever asks, and counts.
pub(crate) struct Supplier {
    pub(crate) address: SocketAddr,
    sent: Arc<Mutex<Sent>>,
    total: Arc<AtomicU64>,
    more: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Supplier {
    pub(crate) async fn start(place: &Netns, address: Ipv4Addr, original: Arc<Original>) -> Result<Self> {
        let empty = vec![0; original.pieces() as usize];
        let sent = Arc::new(Mutex::new(Sent { before: empty.clone(), now: empty }));
        let (total, more) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let counters = (sent.clone(), total.clone(), more.clone());
        let (ready, listening) = tokio::sync::oneshot::channel();
        let task = place.runtime()?.spawn(async move {
            let Ok(listener) = TcpListener::bind((address, 0)).await else { return };
            let _ = ready.send(listener.local_addr());
            while let Ok((stream, _)) = listener.accept().await {
                let (original, counters) = (original.clone(), counters.clone());
                tokio::spawn(async move {
                    // The killed leecher's connection ends with an error, as it should.
                    let _ = serve(stream, &original, &counters.0, &counters.1, &counters.2).await;
                });
            }
        });
        let address = listening.await.context("the supplier cannot listen")??;
        Ok(Supplier { address, sent, total, more, task })
    }

    /// Waits until `bytes` were sent since the page was turned.
    pub(crate) async fn has_sent(&self, bytes: u64) {
        loop {
            let more = self.more.notified();
            if self.total.load(Ordering::Acquire) >= bytes {
                return;
            }
            more.await;
        }
    }

    /// What was sent until now is what was sent *before*.
    pub(crate) fn turn_page(&self) {
        let mut sent = lock(&self.sent);
        let empty = vec![0; sent.now.len()];
        sent.before = std::mem::replace(&mut sent.now, empty);
        self.total.store(0, Ordering::Release);
    }

    /// Forgets everything sent.
    pub(crate) fn forget(&self) {
        self.turn_page();
        self.turn_page();
    }

    /// Pieces that were sent before and again now, each with its bytes sent twice.
    pub(crate) fn twice(&self, original: &Original) -> Vec<(u32, u64)> {
        let sent = lock(&self.sent);
        let both = sent.before.iter().zip(&sent.now).enumerate();
        let overlap = |(piece, (before, now)): (usize, (&u64, &u64))| {
            let length = u64::from(original.metainfo.info.piece_len(piece as u32));
            let twice = (before + now).saturating_sub(length);
            (twice > 0 && *before > 0).then_some((piece as u32, twice))
        };
        both.filter_map(overlap).collect()
    }
}

impl Drop for Supplier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    original: &Original,
    sent: &Mutex<Sent>,
    total: &AtomicU64,
    more: &Notify,
) -> Result<()> {
    let mut wire = Wire::meet(stream, original).await?;
    wire.say(&Message::HaveAll).await?;
    wire.say(&Message::Unchoke).await?;
    loop {
        let Heard::Message(Message::Request(block)) = wire.hear().await? else { continue };
        ensure!(block.len <= BLOCK_LEN, "a request of {} bytes", block.len);
        let data = original.block(block).context("a request outside the torrent")?;
        // Counted before it is handed over: what is counted may not have arrived, what arrived is counted.
        if let Some(count) = lock(sent).now.get_mut(block.piece as usize) {
            *count += u64::from(block.len);
        }
        wire.output.write_all(&PieceHeader(block).encode()).await?;
        wire.output.write_all(data).await?;
        total.fetch_add(u64::from(block.len), Ordering::AcqRel);
        more.notify_waiters();
    }
}

/// What a witness has seen of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Pieces it announced on the last connection.
    pub(crate) announced: BTreeSet<u32>,
    /// Pieces fetched from it whose hash is right.
    pub(crate) right: BTreeSet<u32>,
    /// Pieces fetched from it whose hash is wrong.
    pub(crate) wrong: BTreeSet<u32>,
    /// Pieces that were asked for and refused.
    pub(crate) refused: BTreeSet<u32>,
    /// Blocks that were sent of pieces it had not announced.
    pub(crate) unannounced: u64,
    /// Connections that came about.
    pub(crate) connections: u32,
}

/// A peer that has nothing, and checks what a node announces.
pub(crate) struct Witness {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Witness {
    /// Watches the node at `address`; dials it again whenever the connection ends.
    pub(crate) fn of(place: &Netns, address: SocketAddr, original: Arc<Original>) -> Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let notes = seen.clone();
        let task = place.runtime()?.spawn(async move {
            loop {
                if let Ok(stream) = TcpStream::connect(address).await {
                    let _ = watch(stream, &original, &notes).await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Ok(Witness { seen, task })
    }

    /// What it has seen.
    pub(crate) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Fails if anything wrong was announced or served.
    pub(crate) fn check(&self) -> Result<Seen> {
        let seen = self.seen();
        ensure!(seen.wrong.is_empty(), "pieces {:?} were served with wrong bytes", seen.wrong);
        ensure!(seen.unannounced == 0, "{} blocks of pieces that were not announced were served", seen.unannounced);
        Ok(seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(stream: TcpStream, original: &Original, notes: &Mutex<Seen>) -> Result<()> {
    let mut wire = Wire::meet(stream, original).await?;
    wire.say(&Message::HaveNone).await?;
    wire.say(&Message::Interested).await?;
    {
        let mut seen = lock(notes);
        seen.announced.clear();
        seen.connections += 1;
    }
    let mut choked = true;
    let mut fetching: Option<(u32, Vec<u8>, u64)> = None;
    loop {
        match wire.hear().await? {
            Heard::Message(Message::Have { piece }) => drop(lock(notes).announced.insert(piece)),
            Heard::Message(Message::HaveAll) => lock(notes).announced.extend(0..original.pieces()),
            Heard::Message(Message::Bitfield(bits)) => {
                let bits = Bitfield::from_bytes(&bits, original.pieces())?;
                lock(notes).announced.extend(bits.iter());
            }
            Heard::Message(Message::Choke) => (choked, fetching) = (true, None),
            Heard::Message(Message::Unchoke) => choked = false,
            Heard::Message(Message::Reject(block)) => {
                if fetching.as_ref().is_some_and(|(piece, ..)| *piece == block.piece) {
                    lock(notes).refused.insert(block.piece);
                    fetching = None;
                }
            }
            Heard::Block(block, data) => {
                if !lock(notes).announced.contains(&block.piece) {
                    lock(notes).unannounced += 1;
                }
                if take(&mut fetching, block, &data) {
                    judge(fetching.take(), original, notes);
                }
            }
            Heard::Message(_) | Heard::Other => {}
        }
        if !choked && fetching.is_none() {
            fetching = ask(&mut wire, original, notes).await?;
        }
    }
}

/// Puts a block where it belongs; says whether the piece is whole.
fn take(fetching: &mut Option<(u32, Vec<u8>, u64)>, block: BlockRef, data: &[u8]) -> bool {
    let Some((piece, bytes, left)) = fetching else { return false };
    let begin = block.begin as usize;
    match bytes.get_mut(begin..begin + data.len()) {
        Some(place) if *piece == block.piece => place.copy_from_slice(data),
        _ => return false,
    }
    *left = left.saturating_sub(data.len() as u64);
    *left == 0
}

fn judge(fetched: Option<(u32, Vec<u8>, u64)>, original: &Original, notes: &Mutex<Seen>) {
    let Some((piece, bytes, _)) = fetched else { return };
    let hash: [u8; 20] = Sha1::digest(&bytes).into();
    let mut seen = lock(notes);
    match original.metainfo.info.piece_hash(piece) == Some(hash) {
        true => seen.right.insert(piece),
        false => seen.wrong.insert(piece),
    };
}

/// Asks for a whole piece that was announced and not looked at yet.
async fn ask(wire: &mut Wire, original: &Original, notes: &Mutex<Seen>) -> Result<Option<(u32, Vec<u8>, u64)>> {
    let next = {
        let seen = lock(notes);
        seen.announced
            .iter()
            .copied()
            .find(|p| !seen.right.contains(p) && !seen.wrong.contains(p) && !seen.refused.contains(p))
    };
    let Some(piece) = next else { return Ok(None) };
    let length = original.metainfo.info.piece_len(piece);
    for begin in (0..length).step_by(BLOCK_LEN as usize) {
        let len = BLOCK_LEN.min(length - begin);
        wire.say(&Message::Request(BlockRef { piece, begin, len })).await?;
    }
    wire.output.flush().await?;
    Ok(Some((piece, vec![0; length as usize], u64::from(length))))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
