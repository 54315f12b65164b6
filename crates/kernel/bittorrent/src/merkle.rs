//! The SHA-256 trees of v2 torrents (BEP 52): 16 KiB leaves, padded by zero leaves to a power of two.

use sha2::{Digest as _, Sha256};

/// Bytes under one leaf: the block in which peers trade (BEP 52).
pub const LEAF_LEN: u32 = 16 * 1024;

/// A node of the tree.
pub type Hash = [u8; 32];

/// Hash of one leaf's bytes (16 KiB, or fewer at the end of a file).
pub fn leaf(block: &[u8]) -> Hash {
    Sha256::digest(block).into()
}

/// Hash of two neighbouring nodes.
pub fn parent(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

/// Root of a subtree of `2^height` absent leaves, which count as 32 zero bytes each.
pub fn padding(height: u32) -> Hash {
    (0..height).fold([0; 32], |hash, _| parent(&hash, &hash))
}

/// Root over the nodes of one layer, which lies `height` levels above the leaves; absent nodes to
/// the right are padding. No nodes give the padding itself.
pub fn root(nodes: impl IntoIterator<Item = Hash>, height: u32) -> Hash {
    let mut layer: Vec<Hash> = nodes.into_iter().collect();
    let mut pad = padding(height);
    while layer.len() > 1 {
        layer = layer.chunks(2).map(|pair| parent(&pair[0], pair.get(1).unwrap_or(&pad))).collect();
        pad = parent(&pad, &pad);
    }
    layer.first().copied().unwrap_or(pad)
}

/// Levels between the leaves and the layer of pieces; `None` if the piece length is not a power of
/// two of at least one leaf, as BEP 52 demands.
pub fn piece_layer_height(piece_length: u32) -> Option<u32> {
    (piece_length.is_power_of_two() && piece_length >= LEAF_LEN).then(|| (piece_length / LEAF_LEN).trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, without layers: a full tree over zero-padded leaves.
    fn naive(leaves: &[Hash], width: usize) -> Hash {
        if width == 1 {
            return leaves.first().copied().unwrap_or([0; 32]);
        }
        let (left, right) = leaves.split_at(leaves.len().min(width / 2));
        parent(&naive(left, width / 2), &naive(right, width / 2))
    }

    #[test]
    fn layers_agree_with_the_whole_tree() {
        for count in 1..20usize {
            let leaves: Vec<Hash> = (0..count).map(|i| leaf(&[i as u8])).collect();
            let whole = naive(&leaves, count.next_power_of_two());
            assert_eq!(root(leaves.iter().copied(), 0), whole, "{count}");
            if count > 4 {
                let pieces = leaves.chunks(4).map(|piece| naive(piece, 4));
                assert_eq!(root(pieces, 2), whole, "{count} by pieces");
            }
        }
    }

    #[test]
    fn heights() {
        assert_eq!(piece_layer_height(16 * 1024), Some(0));
        assert_eq!(piece_layer_height(64 * 1024), Some(2));
        assert_eq!(piece_layer_height(8 * 1024), None);
        assert_eq!(piece_layer_height(48 * 1024), None);
        assert_eq!(padding(1), parent(&[0; 32], &[0; 32]));
    }
}
