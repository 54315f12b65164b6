//! Asking faucets for coins.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use axum::Json;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use weft_overlay::PeerKey;
use weft_service::Problem;

use super::{address, blocking, read, running};
use crate::faucet::message::{Answer, Gift, Reason, Request};
use crate::faucet::{NotGiven, Refusals, in_turn};
use crate::handle::Committed;
use crate::instance::Instance;
use crate::membership::Membership;
use crate::pool::{Fate, Outcome, PoolTransaction};
use crate::view::{Stage, TransactionView};

/// 20 s for all peers together: most answer in a moment, and one who asks should not wait for those that hang.
const ASKING: Duration = Duration::from_secs(20);

/// 60 s is the longest wait for a final block.
const MAX_WAIT: u64 = 60;

/// Whom faucets are asked to give to.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct FaucetRequest {
    /// The account; the user's if it is not said.
    to: Option<String>,
    /// Seconds to wait until the coins are final, 60 at most; it is not waited for if it is 0 or not said.
    wait: u64,
}

/// Coins that a faucet gives.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct FaucetGift {
    /// To which account.
    account: String,
    /// How much, in wei.
    amount: String,
    /// The hash of the transaction that gives them.
    hash: String,
    /// The peer that gives, z-base-32; this node itself, if it is the faucet.
    peer: String,
    /// The transaction. While this node has not heard of it, it is not there, and the rest is that peer's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<TransactionView>,
}

/// Why nothing came.
pub(super) struct Refused {
    problem: Problem,
    /// Seconds until it is worth asking again.
    again_s: u64,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Refused { problem, again_s: 0 }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if self.again_s > 0 {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.again_s));
        }
        response
    }
}

/// Asks the peers of this chain for coins, one after another, until one gives.
#[utoipa::path(
    post, path = "/faucet", tag = "ledger", operation_id = "ledger_faucet", request_body = FaucetRequest,
    responses((status = OK, body = FaucetGift, description = "A faucet gives, and it is final if that was waited for"),
        (status = NOT_FOUND, body = Problem, description = "No peer is a faucet"),
        (status = CONFLICT, body = Problem, description = "This node is on no chain, or is the faucet itself"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A faucet does not give, and time alone does not change that"),
        (status = TOO_MANY_REQUESTS, body = Problem, description = "A faucet gives again later; `Retry-After` says in how many seconds",
            headers(("Retry-After" = u64, description = "Seconds"))),
        (status = BAD_GATEWAY, body = Problem, description = "No peer is reached, or what one said it gave does not give"))
)]
pub(super) async fn faucet(
    State(membership): State<Arc<Membership>>,
    Json(asked): Json<FaucetRequest>,
) -> Result<Json<FaucetGift>, Refused> {
    let instance = running(&membership)?;
    let own = membership.around.wallet.address();
    let account = asked.to.as_deref().map(address).transpose()?.unwrap_or(own);
    if instance.faucet().is_some() && account == own {
        let problem = Problem::conflict("this node is a faucet itself, and gives from this very account");
        return Err(problem.mend("name the account to give to: `weft ledger faucet --to 0x…`").into());
    }
    // Before anything is given, so that nothing of it is missed.
    let heard = Heard::of(&instance);
    let (peer, gift) = given(&membership, &instance, account).await?;
    let wait = Duration::from_secs(asked.wait.min(MAX_WAIT));
    let transaction = heard.until_final(&instance, account, gift, wait).await?;
    Ok(Json(FaucetGift {
        account: account.to_string(),
        amount: gift.wei.to_string(),
        hash: gift.hash.to_string(),
        peer: peer.to_string(),
        transaction,
    }))
}

/// Who gives, and what: this node's own faucet is asked first, by the same terms as anybody's.
async fn given(membership: &Membership, instance: &Instance, account: Address) -> Result<(PeerKey, Gift), Refused> {
    let me = membership.around.overlay.key();
    let mut refusals = Refusals::default();
    if let Some(faucet) = instance.faucet().map(Arc::clone) {
        match blocking(move || Ok(faucet.give(me, account))).await? {
            Answer::Given(gift) => return Ok((me, gift)),
            Answer::Refused(refusal) => refusals.note(refusal),
        }
    }
    let mut peers: Vec<PeerKey> = instance.watch.peer_list().iter().filter_map(|view| view.peer.parse().ok()).collect();
    // So that one which hangs or lies does not stand before the others each time.
    peers.shuffle(&mut rand::rng());
    let request = Request { genesis: instance.ledger.chain().genesis_hash(), account };
    let asking = in_turn(&membership.around.overlay, &peers, &request, &mut refusals);
    let given = tokio::time::timeout(ASKING, asking).await;
    given.ok().flatten().ok_or_else(|| refused(refusals.best()))
}

/// What is heard of the chain from some moment on.
struct Heard {
    blocks: Receiver<Committed>,
    pending: Receiver<Arc<PoolTransaction>>,
    outcomes: Receiver<Outcome>,
}

impl Heard {
    fn of(instance: &Instance) -> Heard {
        let ledger = &instance.ledger;
        Heard { blocks: ledger.blocks(), pending: ledger.transactions(), outcomes: ledger.outcomes() }
    }

    /// The gift's transaction once it is final, or as it stands after `wait`; `None` if it is not known here by then.
    async fn until_final(
        mut self,
        instance: &Arc<Instance>,
        account: Address,
        gift: Gift,
        wait: Duration,
    ) -> Result<Option<TransactionView>, Problem> {
        let ended = async {
            loop {
                let found = find(instance, account, gift).await?;
                if found.as_ref().is_some_and(|found| found.stage == Stage::Final) || !self.news_of(gift).await? {
                    return Ok(found);
                }
            }
        };
        match tokio::time::timeout(wait, ended).await {
            Ok(found) => found,
            Err(_) => find(instance, account, gift).await,
        }
    }

    /// Waits until something may have changed for the gift. Says whether more can be heard.
    async fn news_of(&mut self, gift: Gift) -> Result<bool, Problem> {
        loop {
            tokio::select! {
                block = self.blocks.recv() => return Ok(!matches!(block, Err(RecvError::Closed))),
                pending = self.pending.recv() => match pending {
                    Ok(transaction) if transaction.hash() != gift.hash => {}
                    Err(RecvError::Closed) => return Ok(false),
                    // What was missed may be the one.
                    _ => return Ok(true),
                },
                outcome = self.outcomes.recv() => if let Ok(outcome) = outcome
                    && outcome.hash == gift.hash
                    && let Fate::Dropped(reason) = outcome.fate
                {
                    let because = format!("the faucet's transaction {} was dropped: {reason}", gift.hash);
                    return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "dropped", because));
                },
            }
        }
    }
}

/// The gift's transaction, if it is known here. One that gives something else is a lie.
async fn find(instance: &Arc<Instance>, account: Address, gift: Gift) -> Result<Option<TransactionView>, Problem> {
    let looked = Arc::clone(instance);
    let found = match blocking(move || read::find(&looked, gift.hash)).await {
        Err(problem) if problem.status == StatusCode::NOT_FOUND.as_u16() => return Ok(None),
        found => found?,
    };
    if gives(&found, account, gift.wei) {
        return Ok(Some(found));
    }
    let lie = format!("a peer says that {} gives coins to {account}, and it does not", gift.hash);
    Err(Problem::new(StatusCode::BAD_GATEWAY, "not-given", lie).mend("ask again: the peers are asked in another order"))
}

fn gives(found: &TransactionView, account: Address, wei: U256) -> bool {
    found.to.as_deref() == Some(account.to_string().as_str()) && found.value == wei.to_string()
}

fn refused(why: NotGiven) -> Refused {
    let (status, code, again_s) = match why {
        NotGiven::Nobody => (StatusCode::BAD_GATEWAY, "no-peers", 0),
        NotGiven::NoFaucet(_) => (StatusCode::NOT_FOUND, "no-faucet", 0),
        NotGiven::Refused(refusal) if refusal.again_s > 0 => {
            (StatusCode::TOO_MANY_REQUESTS, code(refusal.reason), refusal.again_s)
        }
        NotGiven::Refused(refusal) => (StatusCode::UNPROCESSABLE_ENTITY, code(refusal.reason), 0),
    };
    let mend = match why {
        NotGiven::Nobody => "see that a node of the chain is up, and that this one reaches it: `weft doctor`".into(),
        NotGiven::NoFaucet(_) => {
            "somebody who has coins can send some, or switch a faucet on: `weft config set ledger.faucet true`".into()
        }
        NotGiven::Refused(refusal) if refusal.again_s > 0 => format!("ask again in {}", in_words(refusal.again_s)),
        NotGiven::Refused(refusal) => match refusal.reason {
            Reason::Plenty => "a faucet is for beginning: ask again when there is less".into(),
            Reason::Contract => "name an account without code, and send on from there".into(),
            _ => "whoever runs the faucet can say more; somebody else who has coins can send some".into(),
        },
    };
    Refused { problem: Problem::new(status, code, why.to_string()).mend(mend), again_s }
}

/// A refusal's stable word for programs.
fn code(reason: Reason) -> &'static str {
    match reason {
        Reason::TooSoon => "too-soon",
        Reason::GivenOut => "given-out",
        Reason::Empty => "faucet-empty",
        Reason::Plenty => "has-plenty",
        Reason::Contract => "is-contract",
        _ => "not-given",
    }
}

/// Seconds as people say them, rather too many than too few.
fn in_words(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let (unit, name) = match seconds {
        0..=119 => (1, "s"),
        120..=7_199 => (MINUTE, "min"),
        7_200..=172_800 => (HOUR, "h"),
        _ => (DAY, "days"),
    };
    format!("{} {name}", seconds.div_ceil(unit))
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction as _, TxEip1559};
    use alloy_primitives::{Signature, TxKind};
    use weft_evm::Transaction;

    use super::*;
    use crate::faucet::message::Refusal;

    #[test]
    fn a_transaction_that_gives_something_else_is_no_gift() {
        let (account, wei) = (Address::repeat_byte(0xab), U256::from(10));
        let payment = TxEip1559 { to: TxKind::Call(account), value: wei, ..TxEip1559::default() };
        let signed = payment.into_signed(Signature::new(U256::ONE, U256::ONE, false));
        let found = TransactionView::waiting(&Transaction::Eip1559(signed), Address::ZERO, Stage::Pending);
        assert!(gives(&found, account, wei));
        assert!(!gives(&found, account, U256::from(11)));
        assert!(!gives(&found, Address::repeat_byte(0xac), wei));
        assert!(!gives(&TransactionView { to: None, ..found }, account, wei));
    }

    #[test]
    fn a_refusal_says_when_to_come_back_in_words_and_in_the_header() {
        let why = NotGiven::Refused(Refusal { reason: Reason::TooSoon, again_s: 86_341 });
        let refused = refused(why);
        assert_eq!((refused.problem.status, refused.problem.code.as_str()), (429, "too-soon"));
        assert_eq!(refused.problem.mend, "ask again in 24 h");
        let response = refused.into_response();
        assert_eq!(
            (response.status(), &response.headers()[RETRY_AFTER]),
            (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from(86_341))
        );
    }

    #[test]
    fn what_time_does_not_mend_has_another_mend() {
        for (why, status) in [
            (NotGiven::Nobody, 502),
            (NotGiven::NoFaucet(3), 404),
            (NotGiven::Refused(Reason::Empty.into()), 422),
            (NotGiven::Refused(Reason::Plenty.into()), 422),
        ] {
            let refused = refused(why);
            assert_eq!(refused.problem.status, status, "{why}");
            assert!(!refused.problem.mend.is_empty());
            assert!(!refused.into_response().headers().contains_key(RETRY_AFTER));
        }
    }

    #[test]
    fn a_time_is_told_in_the_unit_that_people_would_take() {
        let told = [1, 119, 120, 3_601, 86_400, 172_801].map(in_words);
        assert_eq!(told, ["1 s", "119 s", "2 min", "61 min", "24 h", "3 days"]);
    }
}
