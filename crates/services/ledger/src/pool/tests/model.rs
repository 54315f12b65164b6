//! The pool against one that is written without any care for speed: whatever is done, both hold the same, offer the same
//! and say the same of each transaction, and each that was accepted is in the pool or has one outcome.

use std::cmp::Reverse;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;

const SENDERS: u64 = 4;

#[derive(Debug, Clone)]
enum Op {
    Insert { sender: u64, nonce: u64, tip: u128, fee_cap: u128, value: u64, data: usize },
    Block { take: usize, base_fee: u64, stranger: Option<u64>, bumped: Option<u64>, balances: Vec<(u64, u64)> },
    Remove { which: usize },
    Expire { seconds: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let insert = (
        0..SENDERS,
        0..9u64,
        0..6u128,
        6..16u128,
        prop_oneof![3 => Just(0u64), 1 => 0..2_000_000u64],
        prop_oneof![Just(0usize), 0..400usize],
    )
        .prop_map(|(sender, nonce, tip, fee_cap, value, data)| Op::Insert {
            sender,
            nonce,
            tip,
            fee_cap,
            value,
            data,
        });
    let balances = proptest::collection::vec((0..SENDERS, 0..3_000_000u64), 0..3);
    let block =
        (0..6usize, 1..14u64, proptest::option::of(0..SENDERS), proptest::option::of(0..SENDERS), balances).prop_map(
            |(take, base_fee, stranger, bumped, balances)| Op::Block { take, base_fee, stranger, bumped, balances },
        );
    prop_oneof![
        12 => insert,
        2 => block,
        1 => (0..30usize).prop_map(|which| Op::Remove { which }),
        1 => (0..40u64).prop_map(|seconds| Op::Expire { seconds }),
    ]
}

fn limits() -> Limits {
    Limits {
        count: 14,
        bytes: 3_200,
        pending_per_sender: 5,
        queued_per_sender: 3,
        bytes_per_sender: 1_500,
        delegated: 2,
        queued_for: Duration::from_secs(30),
    }
}

#[derive(Debug, Clone)]
struct Held {
    candidate: Candidate,
    arrival: u64,
    since: Duration,
}

/// Pending, tip, age: more is better.
type Worth = (bool, i128, Reverse<u64>);

#[derive(Debug, Default)]
struct Naive {
    world: World,
    held: Vec<Held>,
    ends: Vec<(B256, Fate)>,
    base_fee: u64,
    arrivals: u64,
}

impl Naive {
    fn account(&self, sender: Address) -> AccountState {
        self.world.account(sender).unwrap()
    }

    fn line(&self, sender: Address) -> Vec<&Held> {
        let mut line: Vec<&Held> = self.held.iter().filter(|held| held.candidate.sender() == sender).collect();
        line.sort_by_key(|held| held.candidate.nonce());
        line
    }

    /// How many of a sender's are pending.
    fn pending(&self, sender: Address) -> usize {
        let account = self.account(sender);
        let mut spent = U256::ZERO;
        let row = self.line(sender).into_iter().zip(account.nonce..).take_while(|(held, nonce)| {
            spent += held.candidate.cost;
            held.candidate.nonce() == *nonce && spent <= account.balance
        });
        row.count()
    }

    fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.candidate.bytes).sum()
    }

    fn drop(&mut self, hash: B256, fate: Fate) {
        self.held.retain(|held| held.candidate.hash() != hash);
        self.ends.push((hash, fate));
    }

    fn worth(&self, sender: Address, nonce: u64, pending: bool, own: Option<&Held>) -> (bool, i128) {
        let before = self.line(sender).into_iter().filter(|held| held.candidate.nonce() < nonce).chain(own);
        (pending, before.map(|held| held.candidate.price.effective_tip(self.base_fee)).min().unwrap())
    }

    fn worst(&self) -> Option<(Worth, B256, Address, u64)> {
        let tails = (0..SENDERS).map(address).filter_map(|sender| {
            let line = self.line(sender);
            let tail = *line.last()?;
            let nonce = tail.candidate.nonce();
            let (pending, tip) = self.worth(sender, nonce, self.pending(sender) == line.len(), Some(tail));
            Some(((pending, tip, Reverse(tail.arrival)), tail.candidate.hash(), sender, nonce))
        });
        tails.min()
    }

    fn insert(&mut self, now: Duration, candidate: Candidate) -> Result<bool, &'static str> {
        let limits = limits();
        let (sender, nonce) = (candidate.sender(), candidate.nonce());
        if self.held.iter().any(|held| held.candidate.hash() == candidate.hash()) {
            return Err("already known");
        }
        let account = self.account(sender);
        if nonce < account.nonce {
            return Err("nonce too low");
        }
        let line = self.line(sender);
        let (len, pendings) = (line.len(), self.pending(sender));
        let before: Vec<&&Held> = line.iter().filter(|held| held.candidate.nonce() < nonce).collect();
        let old = line.iter().find(|held| held.candidate.nonce() == nonce).map(|held| held.candidate.clone());
        let pending = before.len() <= pendings && nonce == account.nonce + before.len() as u64;
        if let Some(old) = &old {
            // 10 % more of both, rounded up, and more.
            let enough = |new: u128, old: u128| new > old && new * 10 >= old * 11;
            if !enough(candidate.price.tip, old.price.tip) || !enough(candidate.price.fee_cap, old.price.fee_cap) {
                return Err("replacement transaction underpriced");
            }
        }
        let spent: U256 = if pending { before.iter().map(|held| held.candidate.cost).sum() } else { U256::ZERO };
        if spent + candidate.cost > account.balance {
            return Err("insufficient funds");
        }
        if old.is_none() && account.code == SenderCode::Delegation && len >= limits.delegated {
            return Err("in-flight transaction limit");
        }
        let many =
            if pending { pendings >= limits.pending_per_sender } else { len - pendings >= limits.queued_per_sender };
        let bytes: usize = line.iter().map(|held| held.candidate.bytes).sum::<usize>() + candidate.bytes
            - old.as_ref().map_or(0, |old| old.bytes);
        if (many && old.is_none()) || bytes > limits.bytes_per_sender {
            return Err("account limit exceeded");
        }
        let held = Held { candidate: candidate.clone(), arrival: self.arrivals, since: now };
        let (pending, tip) = self.worth(sender, nonce, pending, Some(&held));
        let newcomer = (pending, tip, Reverse(self.arrivals));
        let (saved, ends) = (self.held.clone(), self.ends.len());
        loop {
            let fewer = old.as_ref().map_or((0, 0), |old| (1, old.bytes));
            let count = self.held.len() + 1 - fewer.0;
            let bytes = self.bytes() + candidate.bytes - fewer.1;
            if count <= limits.count && bytes <= limits.bytes {
                break;
            }
            match self.worst() {
                Some((worth, hash, of, at)) if worth < newcomer && (of != sender || at > nonce) => {
                    self.drop(hash, Fate::Dropped(DropReason::PoolFull));
                }
                _ => {
                    self.held = saved;
                    self.ends.truncate(ends);
                    return Err("txpool is full");
                }
            }
        }
        if let Some(old) = old {
            self.drop(old.hash(), Fate::Replaced { by: candidate.hash() });
        }
        self.held.push(held);
        self.arrivals += 1;
        self.trim(sender);
        Ok(pending)
    }

    fn trim(&mut self, sender: Address) {
        while self.line(sender).len() - self.pending(sender) > limits().queued_per_sender {
            let last = self.line(sender).last().unwrap().candidate.hash();
            self.drop(last, Fate::Dropped(DropReason::QueueFull));
        }
    }

    fn best(&self, base_fee: u64) -> Vec<B256> {
        let mut lines: Vec<Vec<&Held>> = (0..SENDERS)
            .map(address)
            .map(|sender| self.line(sender).into_iter().take(self.pending(sender)).rev().collect())
            .collect();
        let mut best = Vec::new();
        loop {
            let tip = |line: &Vec<&Held>| line.last().map(|held| held.candidate.price.effective_tip(base_fee));
            let heads = lines.iter_mut().filter(|line| tip(line).is_some_and(|tip| tip >= 0));
            let Some(line) = heads.max_by_key(|line| (tip(line), Reverse(line.last().unwrap().arrival))) else {
                return best;
            };
            best.push(line.pop().unwrap().candidate.hash());
        }
    }

    fn block(&mut self, update: &BlockUpdate) {
        for (sender, account) in &update.accounts {
            self.world.0.insert(*sender, *account);
        }
        let included: HashMap<B256, ()> = update.included.iter().map(|(hash, ..)| (*hash, ())).collect();
        for held in self.held.clone() {
            let (hash, sender, nonce) = (held.candidate.hash(), held.candidate.sender(), held.candidate.nonce());
            if nonce >= self.account(sender).nonce {
                continue;
            }
            let other = update.included.iter().find(|(_, of, at)| *of == sender && *at == nonce);
            let fate = match other {
                _ if included.contains_key(&hash) => Fate::Included { height: update.height },
                Some((by, ..)) => Fate::Replaced { by: *by },
                None => Fate::Dropped(DropReason::NonceUsed),
            };
            self.drop(hash, fate);
        }
        (0..SENDERS).map(address).for_each(|sender| self.trim(sender));
        self.base_fee = update.base_fee;
    }
}

fn sorted<T: Clone>(items: &[(B256, T)]) -> Vec<(B256, T)> {
    let mut items = items.to_vec();
    items.sort_by_key(|(hash, _)| *hash);
    items
}

fn run(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let mut naive = Naive { base_fee: 5, ..Naive::default() };
    for n in 0..SENDERS {
        let code = if n == 3 { SenderCode::Delegation } else { SenderCode::None };
        naive.world.0.insert(address(n), AccountState { nonce: n % 2, balance: U256::from(2_500_000), code });
    }
    let mut pool = Pool::new(limits(), 5);
    let (mut now, mut height) = (Duration::ZERO, 0);
    let (mut accepted, mut ends) = (Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Insert { sender, nonce, tip, fee_cap, value, data } => {
                let candidate = Tx::new(sender, nonce).pays(tip, fee_cap).value(value).data(data).candidate();
                let hash = candidate.hash();
                let got = pool.insert(now, candidate.clone(), &naive.world);
                let want = naive.insert(now, candidate);
                match (got, want) {
                    (Ok(got), Ok(pending)) => {
                        prop_assert_eq!(got.pending, pending);
                        accepted.push(hash);
                    }
                    (Err(got), Err(want)) => {
                        prop_assert!(got.to_string().starts_with(want), "{got} instead of {want}");
                    }
                    (got, want) => prop_assert!(false, "{got:?} instead of {want:?}"),
                }
            }
            Op::Block { take, base_fee, stranger, bumped, balances } => {
                height += 1;
                let mut update = BlockUpdate { height, base_fee, ..BlockUpdate::default() };
                let mut accounts = naive.world.0.clone();
                let txs: Vec<_> = pool.best(base_fee).take(take).cloned().collect();
                for tx in txs {
                    update.included.push((tx.hash(), tx.sender(), tx.nonce()));
                    let account = accounts.get_mut(&tx.sender()).unwrap();
                    prop_assert_eq!(account.nonce, tx.nonce());
                    prop_assert!(account.balance >= tx.cost());
                    account.nonce += 1;
                    account.balance -= tx.cost();
                }
                if let Some(account) = stranger.and_then(|sender| accounts.get_mut(&address(sender))) {
                    let sender = address(stranger.unwrap());
                    update.included.push((B256::repeat_byte(0xee), sender, account.nonce));
                    account.nonce += 1;
                }
                if let Some(account) = bumped.and_then(|sender| accounts.get_mut(&address(sender))) {
                    account.nonce += 1;
                }
                for (sender, balance) in balances {
                    accounts.get_mut(&address(sender)).unwrap().balance = U256::from(balance);
                }
                update.accounts = accounts.into_iter().collect();
                pool.on_block(now, &update);
                naive.block(&update);
            }
            Op::Remove { which } => {
                if let Some(held) = naive.held.get(which).cloned() {
                    let hash = held.candidate.hash();
                    prop_assert!(pool.remove(hash, DropReason::Invalid(String::from("test"))));
                    naive.drop(hash, Fate::Dropped(DropReason::Invalid(String::from("test"))));
                    naive.trim(held.candidate.sender());
                }
            }
            Op::Expire { seconds } => {
                now += Duration::from_secs(seconds);
                pool.expire(now);
                for held in naive.held.clone() {
                    let sender = held.candidate.sender();
                    let queued =
                        !naive.line(sender).iter().take(naive.pending(sender)).any(|x| x.arrival == held.arrival);
                    if queued && now - held.since > limits().queued_for {
                        naive.drop(held.candidate.hash(), Fate::Dropped(DropReason::Expired));
                    }
                }
            }
        }
        pool.assert_sound();
        let new: Vec<_> = pool.drain_outcomes().into_iter().map(|outcome| (outcome.hash, outcome.fate)).collect();
        prop_assert_eq!(sorted(&new), sorted(&naive.ends));
        ends.extend(std::mem::take(&mut naive.ends));

        let status = pool.status();
        prop_assert_eq!(status.pending + status.queued, naive.held.len());
        prop_assert_eq!(status.pending, (0..SENDERS).map(|n| naive.pending(address(n))).sum::<usize>());
        prop_assert_eq!(status.bytes, naive.bytes());
        for sender in (0..SENDERS).map(address) {
            let pending = naive.pending(sender);
            prop_assert_eq!(
                pool.pending_nonce(sender, &naive.world).unwrap(),
                naive.account(sender).nonce + pending as u64
            );
            let content = pool.content_from(sender);
            prop_assert_eq!(content.pending.len(), pending);
            let all: Vec<B256> = content.pending.iter().chain(&content.queued).map(|tx| tx.hash()).collect();
            prop_assert_eq!(all, naive.line(sender).iter().map(|held| held.candidate.hash()).collect::<Vec<_>>());
        }
        for base_fee in [1, naive.base_fee, 12] {
            let best: Vec<B256> = pool.best(base_fee).map(|tx| tx.hash()).collect();
            prop_assert_eq!(pool.offers(base_fee), !best.is_empty());
            prop_assert_eq!(best, naive.best(base_fee));
        }
        // Exactly once each, all that was ever accepted. (The same bytes may be accepted again after they were dropped.)
        let mut left: Vec<B256> = ends.iter().map(|(hash, _)| *hash).collect();
        left.extend(naive.held.iter().map(|held| held.candidate.hash()));
        left.sort_unstable();
        accepted.sort_unstable();
        prop_assert_eq!(&left, &accepted);
        let totals = pool.totals();
        let gone = totals.included + totals.replaced + totals.dropped;
        prop_assert_eq!(totals.accepted, gone + naive.held.len() as u64);
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 400, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

    #[test]
    fn agrees_with_a_naive_pool(ops in proptest::collection::vec(op(), 1..120)) {
        run(ops)?;
    }
}
