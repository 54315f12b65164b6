//! The nodes on the way to a key.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::{Node, NodeSource, Ref};
use crate::state::StateError;

/// The encoded nodes from `root` towards `key`: they prove its value, or that it has none. Each is checked against its
/// parent, so that a damaged store gives an error and no wrong proof.
pub(crate) fn prove(source: &impl NodeSource, root: B256, key: &Nibbles) -> Result<Vec<Bytes>, StateError> {
    let mut proof = Vec::new();
    if root == EMPTY_ROOT_HASH {
        return Ok(proof);
    }
    let mut at = Nibbles::new();
    let mut next = Ref::Hash(root);
    loop {
        let node = match next {
            Ref::Empty => return Ok(proof),
            Ref::Hash(hash) => {
                let missing = || StateError::MissingNode { path: format!("{at:?}") };
                let encoded = source.node(&at)?.ok_or_else(missing)?;
                if keccak256(&encoded) != hash {
                    return Err(missing());
                }
                let node = Node::decode(&encoded);
                proof.push(encoded);
                node
            }
            Ref::Inline(len, bytes) => Node::decode(&bytes[..usize::from(len)]),
        };
        next = match node.map_err(|error| StateError::damaged("trie node", error))? {
            Node::Leaf(..) => return Ok(proof),
            Node::Extension(path, child) => {
                at = at.join(&path);
                if !key.starts_with(&at) {
                    return Ok(proof);
                }
                child
            }
            Node::Branch(children) => {
                let Some(nibble) = key.get(at.len()) else { return Ok(proof) };
                at.push(nibble);
                children[usize::from(nibble)]
            }
        };
    }
}
