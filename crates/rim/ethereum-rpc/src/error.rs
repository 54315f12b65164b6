//! What goes wrong, with the codes and first words by which clients know it (geth's, which ethers, viem and hardhat match).

use alloy_primitives::{Bytes, hex};
use jsonrpsee::types::ErrorObjectOwned;
use weft_evm::{BlockError, LogsError, ProofError, StateError};
use weft_ledger::handle::SubmitError;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// JSON-RPC's or Ethereum's code.
    pub code: i32,
    /// What is wrong.
    pub message: String,
    /// What a contract gave when it reverted.
    pub data: Option<Bytes>,
}

/// The parameters are not what the method takes.
pub(crate) const INVALID_PARAMS: i32 = -32602;
/// No such method (or it is switched off).
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
/// The node is at fault.
pub(crate) const INTERNAL: i32 = -32603;
/// What geth answers with to most of what fails.
pub(crate) const SERVER: i32 = -32000;
/// A contract reverted.
pub(crate) const REVERTED: i32 = 3;
/// History that is not kept (EIP-4444).
pub(crate) const PRUNED: i32 = 4444;
/// A limit of this server.
pub(crate) const LIMIT: i32 = -32005;

impl RpcError {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        RpcError { code, message: message.into(), data: None }
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        RpcError::new(SERVER, message)
    }

    pub(crate) fn params(message: impl Into<String>) -> Self {
        RpcError::new(INVALID_PARAMS, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        RpcError::new(LIMIT, message)
    }

    pub(crate) fn header_not_found() -> Self {
        RpcError::server("header not found")
    }

    /// A block of before the snapshot that this node began from: EIP-4444's answer.
    pub(crate) fn pruned(height: u64, oldest: u64) -> Self {
        let kept = format!("block {height} is not kept here, blocks from {oldest} on are");
        RpcError::new(PRUNED, format!("pruned history unavailable: {kept}"))
    }

    pub(crate) fn timeout() -> Self {
        RpcError::server("execution aborted: the call took longer than this node allows")
    }

    pub(crate) fn reverted(output: &Bytes) -> Self {
        RpcError { code: REVERTED, message: reverted_message(output), data: Some(output.clone()) }
    }
}

/// "execution reverted", with the reason if the data hold one.
pub(crate) fn reverted_message(output: &[u8]) -> String {
    match reason(output) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => String::from("execution reverted"),
    }
}

/// The text of `Error(string)`, or what `Panic(uint256)` stands for.
fn reason(output: &[u8]) -> Option<String> {
    let (selector, data) = output.split_first_chunk::<4>()?;
    match *selector {
        [0x08, 0xc3, 0x79, 0xa0] => {
            let word = |at: usize| -> Option<usize> {
                let word = data.get(at..at.checked_add(32)?)?;
                let (zeros, low) = word.split_at(24);
                let low = u64::from_be_bytes(low.try_into().ok()?);
                zeros.iter().all(|byte| *byte == 0).then(|| usize::try_from(low).ok())?
            };
            let start = word(0)?;
            let length = word(start)?;
            let text = data.get(start.checked_add(32)?..start.checked_add(32)?.checked_add(length)?)?;
            std::str::from_utf8(text).ok().map(str::to_owned)
        }
        [0x4e, 0x48, 0x7b, 0x71] => {
            let code = data.get(..32)?;
            let meaning = match (code[..31].iter().all(|byte| *byte == 0), code[31]) {
                (true, 0x00) => "generic panic",
                (true, 0x01) => "assert(false)",
                (true, 0x11) => "arithmetic underflow or overflow",
                (true, 0x12) => "division or modulo by zero",
                (true, 0x21) => "enum overflow",
                (true, 0x22) => "invalid encoded storage byte array accessed",
                (true, 0x31) => "out-of-bounds array access; popping on an empty array",
                (true, 0x32) => "out-of-bounds access of an array or bytesN",
                (true, 0x41) => "out of memory",
                (true, 0x51) => "uninitialized function",
                _ => return Some(format!("unknown panic code: 0x{}", hex::encode(code).trim_start_matches('0'))),
            };
            Some(meaning.to_owned())
        }
        _ => None,
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        ErrorObjectOwned::owned(error.code, error.message, error.data)
    }
}

impl From<StateError> for RpcError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NotKept { .. } => RpcError::server(format!("state not available: {error}")),
            _ => {
                tracing::error!(%error, "the ledger could not be read");
                RpcError::new(INTERNAL, error.to_string())
            }
        }
    }
}

impl From<ProofError> for RpcError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::State(error) => error.into(),
            other => RpcError::server(other.to_string()),
        }
    }
}

impl From<LogsError> for RpcError {
    fn from(error: LogsError) -> Self {
        match error {
            LogsError::State(error) => error.into(),
            // Clients that page by halves (viem, The Graph) look for these words.
            LogsError::TooManyLogs { limit, .. } => {
                RpcError::limit(format!("query returned more than {limit} results: {error}"))
            }
            LogsError::TooManyBlocks { .. } => RpcError::limit(format!("block range too large: {error}")),
            LogsError::NotKept { height, oldest } => RpcError::pruned(height, oldest),
            other => RpcError::server(other.to_string()),
        }
    }
}

impl From<BlockError> for RpcError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::State(error) => error.into(),
            other => RpcError::server(other.to_string()),
        }
    }
}

impl From<SubmitError> for RpcError {
    fn from(error: SubmitError) -> Self {
        use weft_evm::DecodeError;
        match error {
            SubmitError::Decode(DecodeError::Malformed(why)) => {
                RpcError::params(format!("rlp: {why}; send an encoded, signed transaction"))
            }
            // Geth's words, by which wallets tell what is wrong.
            SubmitError::Decode(DecodeError::WrongChain { expected, found }) => {
                let message = format!(
                    "invalid sender: invalid chain id for signer: have {found} want {expected}; sign it for this chain"
                );
                RpcError::server(message)
            }
            SubmitError::Decode(DecodeError::Blob) => {
                RpcError::server(format!("transaction type not supported: {}", DecodeError::Blob))
            }
            SubmitError::Decode(error @ DecodeError::Signature) => RpcError::server(format!("invalid sender: {error}")),
            SubmitError::Decode(error @ DecodeError::TooLong(_)) => {
                RpcError::server(format!("oversized data: {error}"))
            }
            other => RpcError::server(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_and_nonsense_is_not() {
        let error = hex!(
            "08c379a00000000000000000000000000000000000000000000000000000000000000020000000000000000000000000000000000000000000000000000000000000000a75736572206572726f72"
        );
        assert_eq!(reverted_message(&error), "execution reverted: user error");
        let panic = hex!("4e487b710000000000000000000000000000000000000000000000000000000000000001");
        assert_eq!(reverted_message(&panic), "execution reverted: assert(false)");
        for cut in 0..error.len() {
            assert_eq!(reverted_message(&error[..cut]), "execution reverted");
        }
        let mut far = error;
        far[4..36].fill(0xff);
        assert_eq!(reverted_message(&far), "execution reverted");
        far[4..36].fill(0);
        far[28..36].fill(0xff);
        assert_eq!(reverted_message(&far), "execution reverted");
    }
}
