//! `eth_simulateV1`.
use crate::error::RpcError;
use crate::rpc::{Call, Reply};

/// `eth_simulateV1`.
pub(crate) fn v1(_: &Call<'_>) -> Reply {
    Err(RpcError::server("soon"))
}
